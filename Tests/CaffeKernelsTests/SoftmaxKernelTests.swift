import CaffeKernels
import Foundation
import Testing

struct SoftmaxKernelTests {
  static let extents = [
    SoftmaxExtents(outer: 3, channels: 10, inner: 1),
    SoftmaxExtents(outer: 2, channels: 1000, inner: 1),
    SoftmaxExtents(outer: 2, channels: 5, inner: 7),
    SoftmaxExtents(outer: 2, channels: 21, inner: 601),
    SoftmaxExtents(outer: 4, channels: 1, inner: 3),
  ]

  private func places(_ e: SoftmaxExtents) -> [(label: Int, cells: [Int])] {
    (0..<e.labelCount).map { i in
      let start = i / e.inner * e.channels * e.inner + i % e.inner
      return (i, (0..<e.channels).map { start + $0 * e.inner })
    }
  }

  private func softmax(_ input: [Float], _ e: SoftmaxExtents) -> [Float] {
    output(input.count) { SoftmaxKernel.forward(input, e, into: $0) }
  }

  @Test(arguments: extents) func matchesItsFormula(_ e: SoftmaxExtents) {
    let count = e.outer * e.channels * e.inner
    let (input, gradient) = (numbers(count, in: -30...90), numbers(count, seed: 2))
    var expected = [Double](repeating: 0, count: count)
    var slopes = expected
    for (_, cells) in places(e) {
      let top = cells.map { Double(input[$0]) }.max() ?? 0
      let sum = cells.reduce(0.0) { $0 + exp(Double(input[$1]) - top) }
      for cell in cells { expected[cell] = exp(Double(input[cell]) - top) / sum }
      let dot = cells.reduce(0.0) { $0 + expected[$1] * Double(gradient[$1]) }
      for cell in cells { slopes[cell] = expected[cell] * (Double(gradient[cell]) - dot) }
    }
    Machine.each { machine in
      let result = softmax(input, e)
      expectClose(result, expected, within: 1e-6, machine)
      let inPlace = output(count, initial: input) { SoftmaxKernel.forward($0, e, into: $0) }
      #expect(inPlace == result)
      let back = output(count) { SoftmaxKernel.backward(gradient, output: result, e, into: $0) }
      expectClose(back, slopes, within: 2e-6, machine)
    }
  }

  @Test(arguments: extents) func lossAndItsGradient(_ e: SoftmaxExtents) {
    let probability = softmax(numbers(e.outer * e.channels * e.inner), e)
    var generator = SeededGenerator(seed: 5)
    let labels = (0..<e.labelCount).map { _ in
      Float(Int.random(in: 0..<e.channels, using: &generator))
    }
    let ignored = Int(labels[0])
    for ignoring in [nil, ignored] {
      var loss = 0.0
      var counted = 0
      var slopes = [Double](repeating: 0, count: probability.count)
      for (i, cells) in places(e) where Int(labels[i]) != ignoring {
        loss -= log(Double(probability[cells[Int(labels[i])]]))
        counted += 1
        for (channel, cell) in cells.enumerated() {
          slopes[cell] = 0.5 * (Double(probability[cell]) - (channel == Int(labels[i]) ? 1 : 0))
        }
      }
      Machine.each { machine in
        let result = SoftmaxLossKernel.forward(probability, labels: labels, e, ignoring: ignoring)
        #expect(result.count == counted)
        #expect(abs(result.loss - loss) <= 1e-9 * max(1, loss))
        let back = output(probability.count) {
          SoftmaxLossKernel.backward(
            probability, labels: labels, e, factor: 0.5, ignoring: ignoring, into: $0)
        }
        expectClose(back, slopes, within: 1e-6, machine)
      }
    }
  }

  @Test func aHopelessLabelCostsCaffesNumber() {
    let e = SoftmaxExtents(outer: 1, channels: 2, inner: 1)
    let (loss, _) = SoftmaxLossKernel.forward([0, 1], labels: [0], e)
    #expect(abs(loss - 87.3365) < 1e-4)
  }

  @Test(arguments: [
    (Float(3), true), (2, false), (-1, true), (0.5, true), (.nan, true), (255, false),
  ])
  func labelsOutOfRangeAreReported(label: Float, isInvalid: Bool) {
    let found = Labels.firstInvalid([0, 1, label, 1], count: 4, classes: 3, ignoring: 255)
    #expect(found?.index == (isInvalid ? 2 : nil))
    if let found, !label.isNaN { #expect(found.value == label) }
  }

  @Test func nanMakesARowNaN() {
    let e = SoftmaxExtents(outer: 2, channels: 3, inner: 1)
    let result = softmax([1, .nan, 2, 1, 2, 3], e)
    #expect(result[0..<3].allSatisfy { $0.isNaN } && result[3...].allSatisfy { !$0.isNaN })
  }
}

struct AccuracyKernelTests {
  private func count(_ scores: [Float], _ labels: [Float], top: Int = 1, ignoring: Int? = nil)
    -> AccuracyKernel.Count
  {
    AccuracyKernel.count(
      scores, labels: labels,
      SoftmaxExtents(outer: labels.count, channels: scores.count / labels.count, inner: 1),
      top: top, ignoring: ignoring)
  }

  @Test func countsPerClass() {
    let scores: [Float] = [0.1, 0.9, 0.0, 0.5, 0.2, 0.3, 0.2, 0.3, 0.5]
    let result = count(scores, [1, 1, 2])
    #expect(
      result
        == .init(correct: 2, total: 3, correctPerClass: [0, 1, 1], totalPerClass: [0, 2, 1]))
    #expect(count(scores, [1, 1, 2], ignoring: 1).total == 1)
    #expect(count(scores, [1, 2, 1], top: 2).correct == 3)
  }

  @Test func tiesCountAgainst() {
    #expect(count([1, 1], [0]).correct == 0)
    #expect(count([1, 1], [1]).correct == 0)
    #expect(count([1, 1], [0], top: 2).correct == 1)
  }

  @Test func nanIsNeverRight() {
    #expect(count([.nan, .nan], [0]).correct == 0)
    #expect(count([1, .nan], [0]).correct == 0)
    #expect(count([.nan, 1], [0], top: 2).correct == 0)
  }

  @Test func positionsWithinAPlane() {
    // Two channels over a plane of three: the second wins at positions 1 and 2.
    let e = SoftmaxExtents(outer: 1, channels: 2, inner: 3)
    let result = AccuracyKernel.count([5, 1, 1, 0, 2, 2], labels: [0, 1, 0], e, top: 1)
    #expect(result.correct == 2)
  }
}
