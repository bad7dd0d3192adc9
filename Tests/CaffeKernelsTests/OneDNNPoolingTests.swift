import CaffeKernels
import Testing

/// A pooling by Caffe's definition, in double precision.
private struct NaivePooling {
  let geometry: PoolingGeometry

  /// The input cells under an output cell (flat, within a channel), and Caffe's divisor.
  private func window(_ cell: Int) -> (cells: [Int], divisor: Int) {
    let g = geometry
    var rest = cell
    var (cells, divisor) = ([0], 1)
    var ranges: [(Range<Int>, Int)] = []
    for axis in g.input.indices.reversed() {
      let start = rest % g.output[axis] * g.stride[axis] - g.pad[axis]
      rest /= g.output[axis]
      let end = min(start + g.kernel[axis], g.input[axis] + g.pad[axis])
      divisor *= end - start
      ranges.insert((max(start, 0)..<min(end, g.input[axis]), g.input[axis]), at: 0)
    }
    for (range, extent) in ranges {
      cells = cells.flatMap { head in range.map { head * extent + $0 } }
    }
    return (cells, divisor)
  }

  func output(_ input: [Float], _ method: OneDNNPooling.Method) -> [Double] {
    forEachChannel { plane, cells, divisor in
      let values = cells.map { Double(input[plane + $0]) }
      return method == .maximum
        ? values.reduce(-.infinity, max) : values.reduce(0, +) / Double(divisor)
    }
  }

  func inputGradient(
    _ input: [Float], _ outputGradient: [Float], _ method: OneDNNPooling.Method
  ) -> [Double] {
    var result = [Double](repeating: 0, count: input.count)
    var index = 0
    _ = forEachChannel { plane, cells, divisor in
      let gradient = Double(outputGradient[index])
      index += 1
      if method == .average {
        for cell in cells { result[plane + cell] += gradient / Double(divisor) }
      } else {
        var best = cells[0]
        for cell in cells where input[plane + cell] > input[plane + best] { best = cell }
        result[plane + best] += gradient
      }
      return 0
    }
    return result
  }

  private func forEachChannel(_ body: (_ plane: Int, _ cells: [Int], _ divisor: Int) -> Double)
    -> [Double]
  {
    let windows = (0..<geometry.output.product).map(window)
    return (0..<geometry.batch * geometry.channels).flatMap { channel in
      windows.map { body(channel * geometry.input.product, $0.cells, $0.divisor) }
    }
  }
}

struct OneDNNPoolingCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let geometry: PoolingGeometry
  let method: OneDNNPooling.Method

  static func all() throws -> [OneDNNPoolingCase] {
    try [OneDNNPooling.Method.maximum, .average].flatMap { method in
      try [
        ("LeNet k2 s2", [8, 6], [2, 2], [2, 2], [0, 0]),
        ("CIFAR k3 s2, overhanging", [8, 6], [3, 3], [2, 2], [0, 0]),
        ("overhanging one axis", [7, 6], [3, 3], [2, 2], [0, 0]),
        ("k3 s2 p1", [7, 8], [3, 3], [2, 2], [1, 1]),
        ("k3 s1 p1", [5, 9], [3, 3], [1, 1], [1, 1]),
        ("k2x3 s3x2 p1x0", [9, 8], [2, 3], [3, 2], [1, 0]),
        ("k5 s3 p2, overhanging", [11, 9], [5, 5], [3, 3], [2, 2]),
        ("global", [6, 5], [6, 5], [1, 1], [0, 0]),
        ("1-D", [13], [3], [2], [0]),
        ("3-D", [5, 6, 4], [2, 3, 3], [2, 2, 2], [0, 1, 0]),
      ].map { name, input, kernel, stride, pad in
        OneDNNPoolingCase(
          testDescription: "\(method) \(name)",
          geometry: try PoolingGeometry(
            batch: 2, channels: 20, input: input, kernel: kernel, stride: stride, pad: pad),
          method: method)
      }
    }
  }
}

@Suite struct OneDNNPoolingTests {
  private struct Trial {
    let pooling: OneDNNPooling
    let geometry: PoolingGeometry

    init(_ c: OneDNNPoolingCase, _ layout: OneDNNMemoryLayout) throws {
      geometry = c.geometry
      pooling = try OneDNNPooling(
        c.geometry, method: c.method, training: true, input: layout, scratchpad: Scratchpad())
    }

    func passes(_ input: [Float], _ outputGradient: [Float]) -> (output: [Float], input: [Float]) {
      let bottom = PackedTensor(pooling.inputLayout, input)
      let top = PackedTensor(pooling.outputLayout)
      pooling.forward(bottom.pointer, into: top.pointer)
      let topGradient = PackedTensor(pooling.outputLayout, outputGradient)
      let bottomGradient = PackedTensor(pooling.inputLayout)
      pooling.backward(topGradient.pointer, into: bottomGradient.pointer)
      return (top.values(outputGradient.count), bottomGradient.values(input.count))
    }
  }

  /// Channels-last, and the blocks a convolution over as many channels wants.
  private func layouts(_ geometry: PoolingGeometry) throws -> [OneDNNMemoryLayout] {
    let extents = [geometry.batch, geometry.channels] + geometry.input
    let (ones, threes) = (geometry.input.map { _ in 1 }, geometry.input.map { _ in 3 })
    let convolution = try OneDNNConvolution(
      try ConvolutionGeometry(
        batch: geometry.batch, inputChannels: geometry.channels, outputChannels: 16,
        input: geometry.input, kernel: threes, stride: ones, pad: ones, dilation: ones),
      hasBias: false, algorithm: .direct, gradients: [], scratchpad: Scratchpad())
    return [
      try .plain(extents), try .channelsLast(extents), convolution.forward.inputLayout,
    ]
  }

  @Test(arguments: try OneDNNPoolingCase.all())
  func passesMatchCaffe(_ c: OneDNNPoolingCase) throws {
    var numbers = Numbers(seed: 3)
    let channels = c.geometry.batch * c.geometry.channels
    let input = numbers.spaced(channels * c.geometry.input.product)
    let gradient = numbers.array(channels * c.geometry.output.product)
    let naive = NaivePooling(geometry: c.geometry)
    for layout in try layouts(c.geometry) {
      let trial = try Trial(c, layout)
      let found = trial.passes(input, gradient)
      // Means of at most 30 values below 400, gradients summed over at most 9 windows.
      #expect(
        worstDifference(found.output, naive.output(input, c.method)) < 2e-4, "\(layout)")
      #expect(
        worstDifference(found.input, naive.inputGradient(input, gradient, c.method)) < 1e-5,
        "\(layout)")
      let again = trial.passes(input, gradient)
      #expect(again.output == found.output && again.input == found.input)
    }
  }

  @Test(arguments: try OneDNNPoolingCase.all().filter { $0.method == .maximum })
  func tiesSendTheGradientToTheFirstCell(_ c: OneDNNPoolingCase) throws {
    let channels = c.geometry.batch * c.geometry.channels
    let cells = c.geometry.input.product
    let input = (0..<channels * cells).map { Float($0 * 7 % 3) - 1 }  // -1, 0, 1: many ties
    let gradient = (0..<channels * c.geometry.output.product).map { Float($0 % 5 + 1) }
    let expected = NaivePooling(geometry: c.geometry).inputGradient(input, gradient, .maximum)
    for layout in try layouts(c.geometry) {
      #expect(try Trial(c, layout).passes(input, gradient).input.map(Double.init) == expected)
    }
  }

  @Test func refusalsAreSentences() throws {
    let geometry = try PoolingGeometry(
      batch: 1, channels: 16, input: [4, 4, 4, 4], kernel: [2, 2, 2, 2], stride: [2, 2, 2, 2],
      pad: [0, 0, 0, 0])
    let error = #expect(throws: EngineRefusal.self) {
      try OneDNNPooling(
        geometry, method: .maximum, training: true, input: .plain([1, 16, 4, 4, 4, 4]),
        scratchpad: Scratchpad())
    }
    #expect(error?.description == "ONEDNN declined: it pools over 1 to 3 spatial axes, not 4")
  }
}
