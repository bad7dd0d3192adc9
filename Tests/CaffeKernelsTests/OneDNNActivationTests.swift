import CaffeKernels
import Testing

/// Channels-last, and the blocks of the convolutions.
private func packedLayouts(_ extents: [Int]) throws -> [OneDNNMemoryLayout] {
  let convolution = try OneDNNConvolution(
    try ConvolutionGeometry(
      batch: extents[0], inputChannels: extents[1], outputChannels: 16, input: [5, 5],
      kernel: [3, 3], stride: [1, 1], pad: [1, 1], dilation: [1, 1]),
    hasBias: false, algorithm: .direct, gradients: [], scratchpad: Scratchpad())
  return [try .channelsLast(extents), convolution.forward.inputLayout]
}

private let extents = [3, 32, 5, 5]

@Suite struct OneDNNReLUTests {
  @Test(arguments: [Float(0), 0.1]) func passesMatchTheDefinition(_ slope: Float) throws {
    var numbers = Numbers(seed: 11)
    let (input, gradient) = (numbers.spaced(extents.product), numbers.array(extents.product))
    for layout in try packedLayouts(extents) + [.plain(extents)] {
      let relu = try OneDNNReLU(slope: slope, layout: layout, scratchpad: Scratchpad())
      let values = PackedTensor(layout, input)
      relu.forward(values.pointer, into: values.pointer)  // in place
      #expect(values.values(input.count) == input.map { max($0, 0) + slope * min($0, 0) })
      let back = PackedTensor(layout, gradient)
      relu.backward(back.pointer, output: values.pointer, into: back.pointer)
      #expect(
        back.values(input.count) == zip(input, gradient).map { $0 > 0 ? $1 : slope * $1 })
    }
  }

  @Test func aNegativeSlopeBelowZeroIsRefused() throws {
    let error = #expect(throws: EngineRefusal.self) {
      try OneDNNReLU(slope: -1, layout: .plain([4]), scratchpad: Scratchpad())
    }
    #expect(
      error?.description
        == "ONEDNN declined: it takes the gradient from the top, which wants negative_slope ≥ 0")
  }
}

@Suite struct OneDNNLRNTests {
  private static let parameters = OneDNNLRN.Parameters(localSize: 5, alpha: 0.4, beta: 0.75, k: 2)

  /// `k + alpha / n · Σ x²` at each element, and its window of elements.
  private func scales(_ x: [Float]) -> [Double] {
    let p = Self.parameters
    return x.indices.map { index in
      let sum = window(index).reduce(0.0) { $0 + Double(x[$1]) * Double(x[$1]) }
      return Double(p.k) + Double(p.alpha) / Double(p.localSize) * sum
    }
  }

  private func window(_ index: Int) -> [Int] {
    let plane = extents[2] * extents[3]
    let channel = index / plane % extents[1]
    return (-2...2).filter { (0..<extents[1]).contains(channel + $0) }.map { index + $0 * plane }
  }

  @Test func passesMatchCaffe() throws {
    var numbers = Numbers(seed: 5)
    let (x, dy) = (numbers.array(extents.product), numbers.array(extents.product))
    let s = scales(x)
    let (alpha, beta) = (Double(Self.parameters.alpha), Double(Self.parameters.beta))
    func power(_ x: Double) -> Double { 1 / (x.squareRoot() * x.squareRoot().squareRoot()) }
    let y = x.indices.map { Double(x[$0]) * power(s[$0]) }
    let dx = x.indices.map { i in
      let shared = window(i).reduce(0.0) { $0 + Double(dy[$1]) * y[$1] / s[$1] }
      return Double(dy[i]) * power(s[i]) - 2 * alpha * beta / 5 * Double(x[i]) * shared
    }
    for layout in try packedLayouts(extents) {
      let lrn = try OneDNNLRN(
        Self.parameters, training: true, layout: layout, scratchpad: Scratchpad())
      let input = PackedTensor(layout, x)
      let output = PackedTensor(layout)
      lrn.forward(input.pointer, into: output.pointer)
      #expect(worstDifference(output.values(x.count), y) < 1e-5)
      let gradient = PackedTensor(layout, dy)
      let result = PackedTensor(layout)
      lrn.backward(gradient.pointer, input: input.pointer, into: result.pointer)
      #expect(worstDifference(result.values(x.count), dx) < 1e-5)
    }
  }

  @Test func trainingInPlainOrderIsRefused() throws {
    let error = #expect(throws: EngineRefusal.self) {
      try OneDNNLRN(
        Self.parameters, training: true, layout: .plain(extents), scratchpad: Scratchpad())
    }
    #expect(
      error?.description
        == "ONEDNN declined: only oneDNN's slow reference implements this LRN's gradient")
  }
}

@Suite struct OneDNNBatchNormTests {
  private struct Naive {
    let x: [Float]
    let dy: [Float]
    let scale: [Float]
    let shift: [Float]
    let epsilon = 1e-3
    let count = extents[0] * extents[2] * extents[3]

    func elements(_ channel: Int) -> [Int] {
      let plane = extents[2] * extents[3]
      return (0..<extents[0]).flatMap { n in
        (0..<plane).map { (n * extents[1] + channel) * plane + $0 }
      }
    }

    /// Top, bottom gradient, scale and shift gradient, mean, variance, with ReLU behind.
    func passes() -> (y: [Double], dx: [Double], dScale: [Double], dShift: [Double]) {
      var (y, dx) = ([Double](repeating: 0, count: x.count), [Double](repeating: 0, count: x.count))
      var (dScale, dShift): ([Double], [Double]) = ([], [])
      for c in 0..<extents[1] {
        let cells = elements(c)
        let mean = cells.reduce(0.0) { $0 + Double(x[$1]) } / Double(count)
        let variance =
          cells.reduce(0.0) { $0 + (Double(x[$1]) - mean) * (Double(x[$1]) - mean) } / Double(count)
        let inverse = 1 / (variance + epsilon).squareRoot()
        let hat = cells.map { (Double(x[$0]) - mean) * inverse }
        let affine = hat.map { $0 * Double(scale[c]) + Double(shift[c]) }
        let g = zip(cells, affine).map { $1 > 0 ? Double(dy[$0]) : 0 }
        let (sumG, sumGHat) = (g.reduce(0, +), zip(g, hat).reduce(0) { $0 + $1.0 * $1.1 })
        for (k, cell) in cells.enumerated() {
          y[cell] = max(affine[k], 0)
          dx[cell] =
            Double(scale[c]) * inverse * (g[k] - (sumG + hat[k] * sumGHat) / Double(count))
        }
        dScale.append(sumGHat)
        dShift.append(sumG)
      }
      return (y, dx, dScale, dShift)
    }
  }

  @Test func passesMatchTheDefinition() throws {
    var numbers = Numbers(seed: 9)
    let naive = Naive(
      x: numbers.array(extents.product), dy: numbers.array(extents.product),
      scale: numbers.array(extents[1]), shift: numbers.array(extents[1]))
    let expected = naive.passes()
    var options = OneDNNBatchNorm.Options(epsilon: 1e-3)
    (options.affine, options.fusedReLU) = (true, true)
    for layout in try packedLayouts(extents) {
      let norm = try OneDNNBatchNorm(options, layout: layout, scratchpad: Scratchpad())
      var (mean, variance) = ([Float](repeating: 0, count: 32), [Float](repeating: 0, count: 32))
      let (input, output) = (PackedTensor(layout, naive.x), PackedTensor(layout))
      naive.scale.withUnsafeBufferPointer { scale in
        naive.shift.withUnsafeBufferPointer { shift in
          guard let scale = scale.baseAddress, let shift = shift.baseAddress else { return }
          norm.forward(
            input.pointer, mean: &mean, variance: &variance,
            affine: .init(scale: scale, shift: shift), into: output.pointer)
        }
      }
      // Means over 75 values of size 1; the gradient divides by a deviation near 0.6.
      #expect(worstDifference(output.values(naive.x.count), expected.y) < 1e-5)
      let (gradient, result) = (PackedTensor(layout, naive.dy), PackedTensor(layout))
      var (dScale, dShift) = ([Float](repeating: 1, count: 32), [Float](repeating: 1, count: 32))
      norm.backward(
        gradient.pointer, input: input.pointer, mean: mean, variance: variance,
        scale: naive.scale, into: result.pointer, scaleGradient: &dScale, shiftGradient: &dShift)
      #expect(worstDifference(result.values(naive.x.count), expected.dx) < 1e-5)
      #expect(worstDifference(dScale, expected.dScale.map { $0 + 1 }) < 2e-5)
      #expect(worstDifference(dShift, expected.dShift.map { $0 + 1 }) < 2e-5)
    }
  }

  @Test func givenStatisticsAreReadNotWritten() throws {
    var options = OneDNNBatchNorm.Options(epsilon: 0)
    (options.givenStatistics, options.training) = (true, false)
    let layout = try OneDNNMemoryLayout.channelsLast(extents)
    let norm = try OneDNNBatchNorm(options, layout: layout, scratchpad: Scratchpad())
    var (mean, variance) = ([Float](repeating: 3, count: 32), [Float](repeating: 4, count: 32))
    let values = PackedTensor(layout, [Float](repeating: 5, count: extents.product))
    norm.forward(values.pointer, mean: &mean, variance: &variance, into: values.pointer)
    #expect(values.values(extents.product) == [Float](repeating: 1, count: extents.product))
    #expect(mean == [Float](repeating: 3, count: 32))
  }
}

@Suite struct OneDNNInnerProductTests {
  @Test(arguments: [[7, 30], [3, 32, 5, 5], [4, 20, 4, 4]])
  func passesMatchTheDefinition(_ extents: [Int]) throws {
    let (batch, inputs, outputs) = (extents[0], extents.dropFirst().reduce(1, *), 13)
    var numbers = Numbers(seed: 21)
    let (x, w) = (numbers.array(batch * inputs), numbers.array(outputs * inputs))
    let (b, dy) = (numbers.array(outputs), numbers.array(batch * outputs))
    var y = [Double](repeating: 0, count: batch * outputs)
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 1, count: w.count)
    var db = [Double](repeating: 1, count: outputs)
    for n in 0..<batch {
      for o in 0..<outputs {
        let g = Double(dy[n * outputs + o])
        for i in 0..<inputs {
          y[n * outputs + o] += Double(x[n * inputs + i]) * Double(w[o * inputs + i])
          dx[n * inputs + i] += g * Double(w[o * inputs + i])
          dw[o * inputs + i] += g * Double(x[n * inputs + i])
        }
        y[n * outputs + o] += Double(b[o])
        db[o] += g
      }
    }
    for request in [LayoutRequest.any, .plain, .channelsLast] {
      let product = try OneDNNInnerProduct(
        extents, outputs: outputs, hasBias: true, input: request, scratchpad: Scratchpad())
      let input = PackedTensor(product.forward.inputLayout, x)
      let output = PackedTensor(product.forward.outputLayout)
      product.forward.run(input.pointer, weights: w, bias: b, into: output.pointer)
      #expect(worstDifference(output.values(y.count), y) < 1e-4)  // sums of up to 800 products
      let data = try #require(product.backwardData)
      let gradient = PackedTensor(data.outputGradientLayout, dy)
      let result = PackedTensor(data.inputGradientLayout)
      data.run(gradient.pointer, weights: w, into: result.pointer)
      #expect(worstDifference(result.values(x.count), dx) < 1e-5)
      let pass = try #require(product.backwardWeights)
      var (foundW, foundB) = ([Float](repeating: 1, count: w.count), b.map { _ in Float(1) })
      let (source, back) = (
        PackedTensor(pass.inputLayout, x), PackedTensor(pass.outputGradientLayout, dy)
      )
      pass.run(
        source.pointer, outputGradient: back.pointer, into: &foundW, biasGradient: &foundB)
      #expect(worstDifference(foundW, dw) < 1e-5)
      #expect(worstDifference(foundB, db) < 1e-5)
    }
  }
}
