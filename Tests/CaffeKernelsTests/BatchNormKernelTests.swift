import CaffeKernels
import CaffeTestSupport
import Testing

struct BatchNormKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let extents: ChannelExtents
    var isScaled = true
    var isRectified = true
    var isGiven = false
    var testDescription: String { "\(extents) \(isScaled) \(isRectified) \(isGiven)" }
  }

  static let cases =
    [
      ChannelExtents(outer: 3, channels: 5, inner: 7), ChannelExtents(outer: 40, channels: 6),
      ChannelExtents(outer: 83, channels: 48), ChannelExtents(outer: 37, channels: 128),
      ChannelExtents(outer: 2000, channels: 70), ChannelExtents(outer: 3, channels: 130),
      ChannelExtents(outer: 33, channels: 64),
      ChannelExtents(outer: 2, channels: 3, inner: 3000),
      ChannelExtents(outer: 4, channels: 32, inner: 49, block: 16),
      ChannelExtents(outer: 2, channels: 16, inner: 200, block: 8),
    ].flatMap { extents in
      [
        Case(extents: extents), Case(extents: extents, isScaled: false),
        Case(extents: extents, isRectified: false), Case(extents: extents, isGiven: true),
      ]
    }

  /// The definition, in double.
  @Test(arguments: cases) func agreesWithItsFormula(_ c: Case) {
    let e = c.extents
    let count = e.outer * e.channels * e.inner
    let (x, dy) = (numbers(count), numbers(count, seed: 2))
    let scale = c.isScaled ? numbers(e.channels, seed: 3) : nil
    let shift = c.isScaled ? numbers(e.channels, seed: 4) : nil
    let (givenMean, givenVariance) = (numbers(e.channels, seed: 5), numbers(e.channels, in: 1...2))
    func channel(_ i: Int) -> Int {
      i / (e.inner * e.block) % (e.channels / e.block) * e.block + i % e.block
    }
    func means(_ value: (Int) -> Double) -> [Double] {
      var sums = [Double](repeating: 0, count: e.channels)
      for i in 0..<count { sums[channel(i)] += value(i) / Double(e.population) }
      return sums
    }
    let mean = c.isGiven ? givenMean.map(Double.init) : means { Double(x[$0]) }
    let centred = x.indices.map { Double(x[$0]) - mean[channel($0)] }
    let variance =
      c.isGiven ? givenVariance.map(Double.init) : means { centred[$0] * centred[$0] }
    let inverse = variance.map { 1 / ($0 + 1e-3).squareRoot() }
    func scaled(_ k: Int) -> Double { Double(scale?[k] ?? 1) }
    let before = x.indices.map { i in
      centred[i] * inverse[channel(i)] * scaled(channel(i)) + Double(shift?[channel(i)] ?? 0)
    }
    let y = before.map { c.isRectified ? max($0, 0) : $0 }
    let passed = dy.indices.map { c.isRectified && before[$0] <= 0 ? 0 : Double(dy[$0]) }
    let product = means { passed[$0] * centred[$0] * inverse[channel($0)] }
    let sum = means { passed[$0] }
    let dx = dy.indices.map { i in
      let k = channel(i)
      let loss = c.isGiven ? 0 : sum[k] + centred[i] * inverse[k] * product[k]
      return scaled(k) * inverse[k] * (passed[i] - loss)
    }
    Machine.each { machine in
      var workspace = Workspace()
      let statistics = (Floats(givenMean), Floats(givenVariance))
      let (scales, shifts) = (scale.map(Floats.init), shift.map(Floats.init))
      let kernel = BatchNormKernel(
        e, epsilon: 1e-3,
        statistics: .init(
          mean: statistics.0.pointer, variance: statistics.1.pointer, areGiven: c.isGiven),
        scale: scales?.pointer, shift: shifts?.pointer, isRectified: c.isRectified,
        workspace: &workspace)
      expectClose(output(count) { kernel.forward(x, into: $0) }, y, within: 1e-5, machine)
      expectClose(statistics.0.values, mean, within: 1e-6, machine)
      expectClose(statistics.1.values, variance, within: 1e-6, machine)
      let ones = [Float](repeating: 1, count: e.channels)
      let (scaleGradient, shiftGradient) = (Floats(ones), Floats(ones))
      let back = output(count) {
        kernel.backward(
          dy, input: x, into: $0, scaleGradient: scaleGradient.pointer,
          shiftGradient: shiftGradient.pointer)
      }
      expectClose(back, dx, within: 2e-5, machine)
      let population = Double(e.population)
      expectClose(
        scaleGradient.values, product.map { 1 + population * $0 }, within: 1e-4, machine)
      expectClose(shiftGradient.values, sum.map { 1 + population * $0 }, within: 1e-4, machine)
    }
  }

  /// What is added before the ReLU, and a gradient joined behind it, are the same as in passes of their
  /// own.
  @Test(arguments: cases.filter { !$0.isGiven }, [true, false])
  func aResidualIsAddedAndGradientsAreJoined(_ c: Case, joinsTwo: Bool) {
    let e = c.extents
    let count = e.outer * e.channels * e.inner
    let (x, residual) = (numbers(count), numbers(count, seed: 2))
    let (a, b) = (numbers(count, seed: 6), numbers(count, seed: 7))
    let scale = Floats(numbers(e.channels, seed: 3))
    Machine.each { machine in
      var workspace = Workspace()
      let statistics = (Floats(zeros: e.channels), Floats(zeros: e.channels))
      func kernel(isRectified: Bool) -> BatchNormKernel {
        BatchNormKernel(
          e, epsilon: 1e-3,
          statistics: .init(
            mean: statistics.0.pointer, variance: statistics.1.pointer, areGiven: false),
          scale: c.isScaled ? scale.pointer : nil, isRectified: isRectified,
          workspace: &workspace)
      }
      let normal = output(count) { kernel(isRectified: false).forward(x, into: $0) }
      let expected = zip(normal, residual).map { c.isRectified ? max($0 + $1, 0) : $0 + $1 }
      let y = output(count) {
        kernel(isRectified: c.isRectified).forward(x, adding: residual, into: $0)
      }
      expectClose(y, expected.map(Double.init), within: 1e-6, machine)

      let joined = x.indices.map { i in
        c.isRectified && y[i] <= 0 ? 0 : joinsTwo ? a[i] + b[i] : a[i]
      }
      let (one, other) = (Floats(zeros: e.channels), Floats(zeros: e.channels))
      let gradient = output(count) {
        kernel(isRectified: false).backward(joined, input: x, into: $0, scaleGradient: one.pointer)
      }
      // Over what it reads, as nets run it.
      let (sum, target, kept) = (Floats(a), Floats(x), Floats(y))
      b.withUnsafeBufferPointer { b in
        kernel(isRectified: false).backward(
          joining: joinsTwo ? b.baseAddress : nil, to: sum.pointer,
          where: c.isRectified ? UnsafePointer(kept.pointer) : nil, input: target.pointer,
          into: target.pointer,
          scaleGradient: other.pointer)
      }
      #expect(sum.values == joined)
      expectClose(target.values, gradient.map(Double.init), within: 1e-6, machine)
      expectClose(other.values, one.values.map(Double.init), within: 1e-4, machine)
    }
  }

  /// Over bfloat16, results are those of the values it stands for, rounded.
  @Test(arguments: cases) func roundedValuesGiveRoundedResults(_ c: Case) {
    let e = c.extents
    let count = e.outer * e.channels * e.inner
    let (x, residual) = (numbers(count).map(bfloat16), numbers(count, seed: 2).map(bfloat16))
    let (a, b) = (numbers(count, seed: 6).map(bfloat16), numbers(count, seed: 7).map(bfloat16))
    let scale = Floats(numbers(e.channels, seed: 3))
    let (mean, variance) = (numbers(e.channels, seed: 5), numbers(e.channels, in: 1...2))
    Machine.each { machine in
      var workspace = Workspace()
      let statistics = (Floats(mean), Floats(variance))
      func kernel(_ isRounded: Bool, isRectified: Bool) -> BatchNormKernel {
        BatchNormKernel(
          e, epsilon: 1e-3,
          statistics: .init(
            mean: statistics.0.pointer, variance: statistics.1.pointer, areGiven: c.isGiven),
          scale: c.isScaled ? scale.pointer : nil, isRectified: isRectified, isRounded: isRounded,
          workspace: &workspace)
      }
      for added in [nil, residual] {
        let exact = output(count) {
          kernel(false, isRectified: c.isRectified).forward(x, adding: added, into: $0)
        }
        let rounded = roundedOutput(count) {
          kernel(true, isRectified: c.isRectified)
            .forward(bits(x), adding: added.map(bits), into: $0)
        }
        #expect(rounded == exact.map(bfloat16), "\(machine)")
      }
      let exact = output(count) {
        kernel(false, isRectified: c.isRectified).backward(a, input: x, into: $0)
      }
      let rounded = roundedOutput(count) {
        kernel(true, isRectified: c.isRectified).backward(bits(a), input: bits(x), into: $0)
      }
      #expect(rounded == exact.map(bfloat16), "\(machine)")

      for isJoined in [true, false] {
        let (sum, gradients) = (Floats(a), (Floats(zeros: e.channels), Floats(zeros: e.channels)))
        let exact = b.withUnsafeBytes { other in
          output(count) {
            kernel(false, isRectified: false).backward(
              joining: isJoined ? other.baseAddress : nil, to: sum.pointer,
              where: c.isRectified ? x : nil, input: x, into: $0,
              scaleGradient: gradients.0.pointer)
          }
        }
        var roundedSum = bits(a)
        let rounded = bits(b).withUnsafeBytes { other in
          roundedOutput(count) {
            kernel(true, isRectified: false).backward(
              joining: isJoined ? other.baseAddress : nil, to: &roundedSum,
              where: c.isRectified ? bits(x) : nil, input: bits(x), into: $0,
              scaleGradient: gradients.1.pointer)
          }
        }
        #expect(roundedSum.map(bfloat16Value) == sum.values.map(bfloat16), "\(machine)")
        #expect(gradients.0.values == gradients.1.values, "\(machine)")
        // The sum has been rounded before it is multiplied.
        let unit = exact.reduce(0) { max($0, abs($1)) } * 0x1p-7
        #expect(zip(rounded, exact).allSatisfy { abs($0 - $1) <= unit }, "\(machine)")
      }
    }
  }

  private func bits(_ values: [Float]) -> [UInt16] { values.map(bfloat16Bits) }

  private func roundedOutput(
    _ count: Int, _ body: (UnsafeMutableRawPointer) -> Void
  ) -> [Float] {
    var rounded = [UInt16](repeating: 0x7fc0, count: count)
    rounded.withUnsafeMutableBytes { if let base = $0.baseAddress { body(base) } }
    return rounded.map(bfloat16Value)
  }

  /// The first values of a channel, around which squares are summed, may lie far from all others.
  @Test(
    arguments: [Float(0), 1000, .nan, .infinity],
    [
      ChannelExtents(outer: 2, channels: 16, inner: 50_000, block: 16),
      ChannelExtents(outer: 100_000, channels: 16),
    ])
  func statisticsHoldWhereTheFirstValuesAreOdd(first: Float, e: ChannelExtents) {
    let count = 2 * 16 * 50_000
    // The same value over and over, so that what squares lose adds up.
    var x = [Float](repeating: 100.1, count: count)
    for i in 0..<1024 { x[i] = first }
    let channel = stride(from: 3, to: count, by: 16).map { Double(x[$0]) }
    let mean = channel.reduce(0, +) / Double(channel.count)
    let variance = channel.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channel.count)
    Machine.each { machine in
      var workspace = Workspace()
      let statistics = (Floats(zeros: 16), Floats(zeros: 16))
      let kernel = BatchNormKernel(
        e, epsilon: 1e-3,
        statistics: .init(
          mean: statistics.0.pointer, variance: statistics.1.pointer, areGiven: false),
        workspace: &workspace)
      _ = output(count) { kernel.forward(x, into: $0) }
      let (found, spread) = (statistics.0.values[3], statistics.1.values[3])
      if mean.isFinite {
        #expect(abs(Double(found) - mean) < 1e-6 * mean, "\(machine)")
        #expect(abs(Double(spread) - variance) < 1e-5 * variance, "\(machine)")
      } else {
        #expect(!found.isFinite && spread.isNaN, "\(machine)")
      }
    }
  }
}

/// Values at one address.
private final class Floats {
  let pointer: UnsafeMutablePointer<Float>
  private let count: Int

  init(_ values: [Float]) {
    (pointer, count) = (.allocate(capacity: values.count), values.count)
    pointer.initialize(from: values, count: count)
  }

  /// Zeros.
  convenience init(zeros count: Int) { self.init([Float](repeating: 0, count: count)) }

  deinit { pointer.deallocate() }

  var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}
