import CaffeKernels
import Testing

/// Kernels with a constant or a statistic per channel of `[outer, channels, inner]`.
struct ChannelKernelTests {
  static let extents = [
    ChannelExtents(outer: 3, channels: 5, inner: 1),
    ChannelExtents(outer: 71, channels: 601, inner: 1),
    ChannelExtents(outer: 2, channels: 3, inner: 37),
    ChannelExtents(outer: 1, channels: 7, inner: 5000),
    ChannelExtents(outer: 4, channels: 1, inner: 9),
    ChannelExtents(outer: 3, channels: 32, inner: 49, block: 16),
    ChannelExtents(outer: 2, channels: 16, inner: 3, block: 8),
    ChannelExtents(outer: 2, channels: 64, inner: 1400, block: 16),
  ]

  private func channel(_ index: Int, _ e: ChannelExtents) -> Int {
    let blocks = e.channels / e.block
    return index / (e.inner * e.block) % blocks * e.block + index % e.block
  }
  private func count(_ e: ChannelExtents) -> Int { e.outer * e.channels * e.inner }

  private func sums(_ e: ChannelExtents, _ term: (Int) -> Double) -> [Double] {
    var sums = [Double](repeating: 0, count: e.channels)
    for index in 0..<count(e) { sums[channel(index, e)] += term(index) }
    return sums
  }

  @Test(arguments: extents) func scaleAndBias(_ e: ChannelExtents) {
    let x = numbers(count(e))
    let (scale, bias) = (numbers(e.channels, seed: 2), numbers(e.channels, seed: 3))
    Machine.each { machine in
      let both = output(count(e)) {
        ChannelKernel.scale(
          x, by: scale, bias: bias, over: e, into: $0)
      }
      let expected = x.indices.map { i in
        Double(x[i]) * Double(scale[channel(i, e)]) + Double(bias[channel(i, e)])
      }
      expectClose(both, expected, within: 1e-6, machine)
      let biased = output(count(e), initial: x) {
        ChannelKernel.add(
          $0, bias: bias, over: e, into: $0)
      }
      expectClose(
        biased, x.indices.map { Double(x[$0] + bias[channel($0, e)]) }, within: 0, machine)
    }
  }

  @Test(arguments: extents) func gradientsAreSummedOverAChannel(_ e: ChannelExtents) {
    let (x, dy) = (numbers(count(e)), numbers(count(e), seed: 2))
    let ones = [Float](repeating: 1, count: e.channels)
    let plain = sums(e) { Double(dy[$0]) }.map { $0 + 1 }
    let products = sums(e) { Double(dy[$0]) * Double(x[$0]) }.map { $0 + 1 }
    // Single precision within a block, of terms that cancel.
    let tolerance = 1e-5
    Machine.each { machine in
      let bias = output(e.channels, initial: ones) {
        ChannelKernel.addSums(dy, over: e, into: $0)
      }
      expectClose(bias, plain, within: tolerance, machine)
      let scale = output(e.channels, initial: ones) {
        ChannelKernel.addDots(dy, x, over: e, into: $0)
      }
      expectClose(scale, products, within: tolerance, machine)
    }
  }

  @Test(arguments: extents) func normalisationAndItsGradient(_ e: ChannelExtents) {
    // Far from zero, where a variance from E[x²] − E[x]² would have lost most digits.
    let (x, dy) = (numbers(count(e), in: 98...102), numbers(count(e), seed: 2))
    let share = 1 / Double(e.population)
    let mean = sums(e) { Double(x[$0]) }.map { $0 * share }
    let centred = x.indices.map { Double(x[$0]) - mean[channel($0, e)] }
    let variance = sums(e) { centred[$0] * centred[$0] }.map { $0 * share }
    let factor = variance.map { 1 / ($0 + 1e-5).squareRoot() }
    let y = centred.indices.map { centred[$0] * factor[channel($0, e)] }
    let meanGradient = sums(e) { Double(dy[$0]) }.map { $0 * share }
    let meanProduct = sums(e) { Double(dy[$0]) * y[$0] }.map { $0 * share }
    let dx = y.indices.map { i in
      let c = channel(i, e)
      return factor[c] * (Double(dy[i]) - meanGradient[c] - y[i] * meanProduct[c])
    }
    let kernel = NormalizationKernel(e)
    Machine.each { machine in
      var variances = [Float](repeating: 0, count: e.channels)
      let means = output(e.channels) { kernel.statistics(x, mean: $0, variance: &variances) }
      expectClose(means, mean, within: 1e-6, machine)
      expectClose(variances, variance, within: 1e-5, machine)
      let factors = variances.map { 1 / ($0 + 1e-5).squareRoot() }
      // x itself is known to 4e-6 here, a tenth of a thousandth of its deviation at most.
      let result = output(count(e)) { kernel.normalize(x, mean: means, factor: factors, into: $0) }
      expectClose(result, y, within: 2e-5, machine)
      let back = output(count(e)) { kernel.backward(dy, output: result, factor: factors, into: $0) }
      expectClose(back, dx, within: 5e-5, machine)
      let meanOnly = output(count(e)) { kernel.backwardOfMean(dy, into: $0) }
      expectClose(
        meanOnly, dy.indices.map { Double(dy[$0]) - meanGradient[channel($0, e)] }, within: 1e-6,
        machine)
    }
  }
}

struct ReductionKernelTests {
  @Test(arguments: [(1, 40_003), (7, 1), (50, 33), (2, 20_000)])
  func rowsMatchTheirFormulas(rows: Int, extent: Int) {
    typealias Row = (
      operation: ReductionKernel.Operation, value: ([Double]) -> Double, slope: (Double) -> Double
    )
    let x = numbers(rows * extent)
    let dy = numbers(rows, seed: 2)
    let table: [Row] = [
      (.sum, { $0.reduce(0, +) }, { _ in 1 }),
      (.mean, { $0.reduce(0, +) / Double(extent) }, { _ in 1 / Double(extent) }),
      (.absoluteSum, { $0.reduce(0) { $0 + abs($1) } }, { $0 < 0 ? -1 : 1 }),
      (.squaredSum, { $0.reduce(0) { $0 + $1 * $1 } }, { 2 * $0 }),
    ]
    Machine.each { machine in
      for (operation, value, slope) in table {
        let result = output(rows) {
          ReductionKernel.forward(
            operation, x, rows: rows, extent: extent, coefficient: 3, into: $0)
        }
        let expected = (0..<rows).map { row in
          3 * value(x[row * extent..<(row + 1) * extent].map(Double.init))
        }
        // Float blocks of 2048 terms, some of which cancel.
        expectClose(result, expected, within: 1e-4, "\(operation), \(machine)")
        let back = output(rows * extent) {
          ReductionKernel.backward(
            operation, dy, input: x, rows: rows, extent: extent, coefficient: 3, into: $0)
        }
        let slopes = x.indices.map { 3 * Double(dy[$0 / extent]) * slope(Double(x[$0])) }
        expectClose(back, slopes, within: 1e-6, "\(operation), \(machine)")
      }
    }
  }
}
