import CaffeKernels
import Foundation
import Testing

struct LossKernelsTests {
  @Test(arguments: [nil, 1] as [Int?]) func sigmoidCrossEntropy(ignoring ignored: Int?) {
    let count = 20_011
    let x = numbers(count, in: -30...30)
    let t = numbers(count, in: 0...1.99, seed: 2).map { $0 >= 1 ? Float(1) : $0 }
    var (loss, counted) = (0.0, 0)
    var slopes = [Double](repeating: 0, count: count)
    for i in 0..<count where ignored == nil || Int(t[i]) != ignored {
      let (x, t) = (Double(x[i]), Double(t[i]))
      loss += max(x, 0) - x * t + log1p(exp(-abs(x)))
      counted += 1
      slopes[i] = 0.5 * (1 / (1 + exp(-x)) - t)
    }
    Machine.each { machine in
      let result = SigmoidCrossEntropyKernel.forward(x, target: t, count: count, ignoring: ignored)
      #expect(abs(result.loss - loss) < 1e-6 * loss, "\(machine)")
      #expect(result.count == counted)
      let back = output(count) {
        SigmoidCrossEntropyKernel.backward(
          x, target: t, factor: 0.5, count: count, ignoring: ignored, into: $0)
      }
      expectClose(back, slopes, within: 1e-6, machine)
    }
  }

  @Test func extremeSigmoidLossesAreFinite() {
    let right = SigmoidCrossEntropyKernel.forward([200, -200], target: [1, 0], count: 2)
    #expect(right.loss == 0)
    let wrong = SigmoidCrossEntropyKernel.forward([200, -200], target: [0, 1], count: 2)
    #expect(wrong.loss == 400)
  }

  /// One row of scores 0.5, −2, 3 with label 0: margins 1 − 0.5, max(0, 1 − 2), 1 + 3.
  @Test func hingeOfThreeClasses() {
    let margins = output(3) {
      let loss = HingeKernel.forward(
        [0.5, -2, 3], labels: [0], rows: 1, classes: 3, norm: .l2, margins: $0)
      #expect(loss == 0.25 + 16)
    }
    #expect(margins == [0.5, 0, 4])
    let linear = output(3) {
      HingeKernel.backward(
        margins: margins, labels: [0], rows: 1, classes: 3, norm: .l1, factor: 0.1, into: $0)
    }
    #expect(linear == [-0.1, 0, 0.1])
    let square = output(3, initial: margins) {
      HingeKernel.backward(
        margins: $0, labels: [0], rows: 1, classes: 3, norm: .l2, factor: 0.5, into: $0)
    }
    #expect(square == [-0.5, 0, 4])
  }

  @Test func multinomialDividesByTheProbability() {
    let result = output(4) {
      MultinomialKernel.backward(
        [0.25, 0.75, 0, 1], labels: [1, 0], rows: 2, classes: 2, floor: 1e-20, factor: 3, into: $0)
    }
    #expect(result == [0, -4, -3e20, 0])
  }

  @Test func infogainOfTheIdentityIsTheSoftmaxLoss() {
    let e = SoftmaxExtents(outer: 3, channels: 4, inner: 5)
    let probability = output(60) { SoftmaxKernel.forward(numbers(60), e, into: $0) }
    let labels = (0..<15).map { Float($0 % 4) }
    let identity = (0..<16).map { Float($0 % 5 == 0 ? 1 : 0) }
    for ignored in [nil, 2] as [Int?] {
      let expected = SoftmaxLossKernel.forward(probability, labels: labels, e, ignoring: ignored)
      let actual = InfogainKernel.forward(
        probability, labels: labels, infogain: identity, e, floor: 1e-20, ignoring: ignored)
      #expect(abs(actual.loss - expected.loss) < 1e-12 && actual.count == expected.count)
      let slopes = output(60) {
        SoftmaxLossKernel.backward(
          probability, labels: labels, e, factor: 2, ignoring: ignored, into: $0)
      }
      let back = output(60) {
        InfogainKernel.backward(
          probability, labels: labels, infogain: identity, e, factor: 2, ignoring: ignored,
          into: $0)
      }
      expectClose(back, slopes.map(Double.init), within: 1e-6)
    }
  }

  @Test func infogainWeighsClasses() {
    let e = SoftmaxExtents(outer: 1, channels: 2, inner: 1)
    let (loss, _) = InfogainKernel.forward(
      [0.25, 0.75], labels: [1], infogain: [9, 9, 1, 3], e, floor: 1e-20)
    #expect(abs(loss + log(0.25) + 3 * log(0.75)) < 1e-6)
    let back = output(2) {
      InfogainKernel.backward(
        [0.25, 0.75], labels: [1], infogain: [9, 9, 1, 3], e, factor: 1, into: $0)
    }
    let expected: [Float] = [0.25 * 4 - 1, 0.75 * 4 - 3]
    #expect(back == expected)
  }
}

struct LSTMUnitKernelTests {
  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// The step of one cell in Double.
  private static func step(
    _ previous: Double, _ gates: [Double], _ continuing: Double
  ) -> (cell: Double, hidden: Double) {
    let cell =
      continuing * sigmoid(gates[1]) * previous + sigmoid(gates[0]) * tanh(gates[3])
    return (cell, sigmoid(gates[2]) * tanh(cell))
  }

  @Test(arguments: [(1, 1), (3, 19), (40, 128)])
  func matchesItsFormulaAndFiniteDifferences(batch: Int, hidden: Int) {
    let kernel = LSTMUnitKernel(batch: batch, hidden: hidden)
    let count = batch * hidden
    let (previous, gates) = (numbers(count), numbers(4 * count, in: -3...3, seed: 2))
    let (dCell, dHidden) = (numbers(count, seed: 3), numbers(count, seed: 4))
    let continuing = (0..<batch).map { Float($0 % 3 == 2 ? 0 : 1) }
    func place(_ i: Int, _ gate: Int) -> Int {
      i / hidden * 4 * hidden + gate * hidden + i % hidden
    }
    func values(_ i: Int) -> [Double] {
      [Double(previous[i])] + (0..<4).map { Double(gates[place(i, $0)]) }
    }
    func step(_ i: Int, _ values: [Double]) -> (cell: Double, hidden: Double) {
      Self.step(values[0], Array(values[1...]), Double(continuing[i / hidden]))
    }
    let results = (0..<count).map { step($0, values($0)) }
    var dPrevious = [Double](repeating: 0, count: count)
    var dGates = [Double](repeating: 0, count: 4 * count)
    for i in 0..<count {
      for (k, value) in values(i).enumerated() {
        var (above, below) = (values(i), values(i))
        (above[k], below[k]) = (value + 1e-5, value - 1e-5)
        let (a, b) = (step(i, above), step(i, below))
        let slope =
          (Double(dCell[i]) * (a.cell - b.cell) + Double(dHidden[i]) * (a.hidden - b.hidden)) / 2e-5
        if k == 0 { dPrevious[i] = slope } else { dGates[place(i, k - 1)] = slope }
      }
    }
    Machine.each { machine in
      var state = [Float](repeating: 0, count: count)
      let cell = output(count) {
        kernel.forward(
          previousCell: previous, gates: gates, continuing: continuing, cell: $0, hidden: &state)
      }
      expectClose(cell, results.map(\.cell), within: 2e-6, machine)
      expectClose(state, results.map(\.hidden), within: 2e-6, machine)
      var gatesGradient = [Float](repeating: 0, count: 4 * count)
      let back = output(count) {
        kernel.backward(
          cellGradient: dCell, hiddenGradient: dHidden, previousCell: previous, gates: gates,
          continuing: continuing, cell: cell, previousCellGradient: $0,
          gatesGradient: &gatesGradient)
      }
      expectClose(back, dPrevious, within: 5e-6, machine)
      expectClose(gatesGradient, dGates, within: 5e-6, machine)
    }
  }
}
