import CaffeKernels
import CaffeTestSupport
import Testing

struct WinogradCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let geometry: ConvolutionGeometry
  var isChannelsLast = false

  init(
    _ name: String, _ batch: Int, _ channels: Int, _ input: [Int], out: Int, kernel: Int = 3,
    pad: [Int]? = nil, groups: Int = 1, isChannelsLast: Bool = false
  ) throws {
    testDescription = name
    self.isChannelsLast = isChannelsLast
    geometry = try ConvolutionGeometry(
      batch: batch, inputChannels: channels, outputChannels: out, groups: groups, input: input,
      kernel: [kernel, kernel], stride: [1, 1], pad: pad ?? [kernel / 2, kernel / 2],
      dilation: [1, 1])
  }

  /// More tiles than are worked on at once, and few tiles of many channels.
  static func large() throws -> [WinogradCase] {
    [
      try .init("many tiles", 4, 64, [58, 62], out: 32),
      try .init("many tiles, 5x5", 4, 64, [58, 62], out: 32, kernel: 5),
    ] + (try manyChannels())
  }

  static func manyChannels() throws -> [WinogradCase] {
    [
      try .init("many channels", 2, 370, [7, 9], out: 350),
      try .init("many channels, 5x5", 1, 250, [6, 6], out: 275, kernel: 5, isChannelsLast: true),
      try .init(
        "many channels, groups", 2, 704, [5, 4], out: 704, groups: 2, isChannelsLast: true),
    ]
  }

  /// Of the largest value: rounding errors of the transforms.
  var tolerance: Double { geometry.kernel == [3, 3] ? 5e-6 : 3e-5 }

  static func all() throws -> [WinogradCase] {
    [
      try .init("whole tiles", 2, 16, [8, 12], out: 32),
      try .init("parts of tiles", 2, 32, [7, 10], out: 16),
      try .init("smaller than a tile", 3, 16, [2, 3], out: 16),
      try .init("no pad", 2, 16, [9, 6], out: 16, pad: [0, 0]),
      try .init("pads that differ", 1, 16, [6, 7], out: 16, pad: [2, 0]),
      try .init("half a panel", 2, 48, [6, 9], out: 80),
      try .init("groups", 2, 96, [5, 6], out: 64, groups: 2),
      try .init("channels last", 2, 48, [7, 9], out: 32, isChannelsLast: true),
      try .init("channels last, groups", 2, 32, [5, 5], out: 64, groups: 2, isChannelsLast: true),
      try .init("odd channels", 2, 21, [7, 9], out: 35),
      try .init("channels last, odd channels", 2, 21, [7, 9], out: 35, isChannelsLast: true),
      try .init(
        "channels last, odd groups", 1, 10, [6, 6], out: 22, groups: 2, isChannelsLast: true),
      try .init(
        "LeNet conv2", 2, 20, [12, 12], out: 50, kernel: 5, pad: [0, 0], isChannelsLast: true),
      try .init("5x5", 2, 32, [9, 7], out: 48, kernel: 5),
      try .init("5x5, pads that differ", 1, 16, [8, 6], out: 16, kernel: 5, pad: [4, 0]),
      try .init(
        "5x5, channels last, groups", 1, 32, [6, 5], out: 32, kernel: 5, pad: [1, 3], groups: 2,
        isChannelsLast: true),
    ]
  }
}

/// One convolution's tensors, and its passes on tiles.
private struct WinogradTrial {
  let geometry: ConvolutionGeometry
  let inputLayout: OneDNNMemoryLayout
  let outputLayout: OneDNNMemoryLayout
  let input: [Float]
  let weights: [Float]
  let bias: [Float]
  let outputGradient: [Float]

  init(_ c: WinogradCase) throws {
    geometry = c.geometry
    let g = c.geometry
    func layout(_ channels: Int, _ cells: [Int]) throws -> OneDNNMemoryLayout {
      let extents = [g.batch, channels] + cells
      return c.isChannelsLast
        ? try .channelsLast(extents) : try .blocked(extents, by: WinogradConvolution.lanes)
    }
    inputLayout = try layout(g.inputChannels, g.input)
    outputLayout = try layout(g.outputChannels, g.output)
    var numbers = Numbers(seed: 3)
    input = numbers.array(g.inputCount)
    weights = numbers.array(g.weightCount)
    bias = numbers.array(g.outputChannels)
    outputGradient = numbers.array(g.outputCount)
  }

  func convolution(
    fusedReLUSlope: Float? = nil, gradients: WeightedGradients = [.input, .weights],
    scratchpad: Scratchpad = Scratchpad()
  ) throws -> WinogradConvolution {
    try WinogradConvolution(
      geometry, input: inputLayout.channelRuns, output: outputLayout.channelRuns,
      fusedReLUSlope: fusedReLUSlope, gradients: gradients, scratchpad: scratchpad)
  }

  /// The items of the output `gap` floats apart.
  func output(of convolution: WinogradConvolution, apart gap: Int) -> [Float] {
    let source = PackedTensor(inputLayout, input)
    let item = outputLayout.byteCount / MemoryLayout<Float>.stride / geometry.batch
    var apart = [Float](repeating: .nan, count: geometry.batch * (item + gap))
    let result = PackedTensor(outputLayout)
    apart.withUnsafeMutableBufferPointer { buffer in
      guard let output = buffer.baseAddress else { return }
      weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        convolution.forward(
          source.floats, weights: weights, revision: 0, bias: bias, into: output,
          stride: item + gap)
      }
      for index in 0..<geometry.batch {
        (result.floats + index * item).update(from: output + index * (item + gap), count: item)
      }
    }
    return result.values(geometry.outputCount)
  }

  func output(
    of convolution: WinogradConvolution, weights other: [Float]? = nil, revision: Int = 0,
    bias: [Float]? = nil
  ) -> [Float] {
    let source = PackedTensor(inputLayout, input)
    let result = PackedTensor(outputLayout)
    (other ?? weights).withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      withOptional(bias) {
        convolution.forward(
          source.floats, weights: weights, revision: revision, bias: $0, into: result.floats)
      }
    }
    return result.values(geometry.outputCount)
  }

  private func withOptional(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let values else { return body(nil) }
    values.withUnsafeBufferPointer { body($0.baseAddress) }
  }

  func inputGradient(of convolution: WinogradConvolution) -> [Float] {
    let source = PackedTensor(outputLayout, outputGradient)
    let result = PackedTensor(inputLayout)
    convolution.backwardData(source.floats, weights: weights, into: result.floats)
    return result.values(geometry.inputCount)
  }

  func parameterGradients(
    of convolution: WinogradConvolution, start: Float = 0, areZero: Bool = false
  ) -> (weights: [Float], bias: [Float]) {
    let source = PackedTensor(inputLayout, input)
    let gradient = PackedTensor(outputLayout, outputGradient)
    var weights = [Float](repeating: start, count: geometry.weightCount)
    var bias = [Float](repeating: start, count: geometry.outputChannels)
    withSums(&weights, &bias, areZero: areZero) { weights, bias in
      guard let weights else { return }
      convolution.backwardWeights(
        source.floats, outputGradient: gradient.floats, into: weights, bias: bias)
    }
    return (weights, bias)
  }

  /// Everything that the passes compute.
  func all(of convolution: WinogradConvolution) -> [[Float]] {
    let gradients = parameterGradients(of: convolution)
    return [
      output(of: convolution, bias: bias), inputGradient(of: convolution), gradients.weights,
      gradients.bias,
    ]
  }
}

@Suite struct WinogradConvolutionTests {
  @Test(arguments: try WinogradCase.all())
  func passesMatchTheDefinition(_ c: WinogradCase) throws {
    let trial = try WinogradTrial(c)
    let naive = NaiveConvolution(
      geometry: c.geometry, input: trial.input, weights: trial.weights)
    let expected = [
      naive.output(bias: trial.bias), naive.inputGradient(trial.outputGradient),
      naive.weightsGradient(trial.outputGradient), naive.biasGradient(trial.outputGradient),
    ]
    try Machine.each { machine in
      let trial = try WinogradTrial(c)  // in this instruction set's order
      let found = trial.all(of: try trial.convolution())
      for (found, expected) in zip(found, expected) {
        let scale = expected.map(abs).max() ?? 0
        #expect(worstDifference(found, expected, scale: scale) < c.tolerance, "\(machine)")
      }
    }
  }

  @Test(arguments: try WinogradCase.large())
  func largePassesMatchTheReference(_ c: WinogradCase) throws {
    let g = c.geometry
    try Machine.each(threads: [2]) { machine in
      let trial = try WinogradTrial(c)
      let reference = ReferenceConvolution(g)
      var output = [Float](repeating: 0, count: g.outputCount)
      reference.forward(
        input: trial.input, weights: trial.weights, bias: trial.bias, into: &output)
      var inputGradient = [Float](repeating: 0, count: g.inputCount)
      reference.backwardData(
        outputGradient: trial.outputGradient, weights: trial.weights, into: &inputGradient)
      var (weights, bias) = (
        [Float](repeating: 0, count: g.weightCount),
        [Float](repeating: 0, count: g.outputChannels)
      )
      reference.backwardWeights(
        input: trial.input, outputGradient: trial.outputGradient, addingTo: &weights, bias: &bias)
      let found = trial.all(of: try trial.convolution())
      for (found, expected) in zip(found, [output, inputGradient, weights, bias]) {
        let scale = Double(expected.map(abs).max() ?? 0)
        let difference = worstDifference(found, expected.map(Double.init), scale: scale)
        #expect(difference < (g.kernel == [3, 3] ? 2e-5 : 5e-5), "\(machine)")
      }
    }
  }

  /// As the parts of larger blobs do; gradients are read side by side all the same.
  @Test(arguments: try WinogradCase.all() + WinogradCase.manyChannels())
  func outputsOfItemsMayLieApart(_ c: WinogradCase) throws {
    let trial = try WinogradTrial(c)
    for gradients in [WeightedGradients.weights, []] {
      let convolution = try trial.convolution(gradients: gradients)
      let expected = trial.output(of: convolution, bias: trial.bias)
      #expect(trial.output(of: convolution, apart: 48) == expected)
    }
  }

  /// Their filters, transformed, take 17 MB and more.
  @Test(arguments: try WinogradCase.manyChannels())
  func filtersOfManyChannelsAreTransformedAsTheyAreNeeded(_ c: WinogradCase) throws {
    let scratchpad = Scratchpad()
    let trial = try WinogradTrial(c)
    _ = try trial.convolution(scratchpad: scratchpad)
    #expect(scratchpad.byteCount < 10 << 20)
  }

  @Test(arguments: [
    try WinogradCase("usual", 3, 32, [21, 18], out: 48),
    try WinogradCase("many channels", 2, 360, [7, 9], out: 370),
  ])
  func resultsDoNotDependOnThreads(_ c: WinogradCase) throws {
    let trial = try WinogradTrial(c)
    let usual = Threads.count
    defer { Threads.setCount(usual) }
    Threads.setCount(1)
    let single = trial.all(of: try trial.convolution())
    Threads.setCount(3)
    let convolution = try trial.convolution()
    #expect(trial.all(of: convolution) == single)
    // Fewer threads than it was made for, and more.
    for count in [2, 5] {
      Threads.setCount(count)
      #expect(trial.all(of: convolution) == single)
    }
  }

  @Test(arguments: [0, 0.25] as [Float])
  func aFusedReLUKeepsItsNegativeSlope(_ slope: Float) throws {
    try Machine.each(threads: [2]) { _ in
      let trial = try WinogradTrial(WinogradCase("", 1, 16, [6, 5], out: 16))
      let plain = trial.output(of: try trial.convolution(gradients: []), bias: trial.bias)
      let fused = trial.output(
        of: try trial.convolution(fusedReLUSlope: slope, gradients: []), bias: trial.bias)
      #expect(plain.contains { $0 < 0 })
      #expect(fused == plain.map { $0 > 0 ? $0 : slope * $0 })
    }
  }

  @Test func parameterGradientsAreAdded() throws {
    let trial = try WinogradTrial(WinogradCase("", 2, 16, [7, 6], out: 32))
    let convolution = try trial.convolution()
    let plain = trial.parameterGradients(of: convolution)
    let added = trial.parameterGradients(of: convolution, start: 3)
    #expect(worstDifference(added.weights, plain.weights.map { Double($0) + 3 }) < 1e-5)
    #expect(worstDifference(added.bias, plain.bias.map { Double($0) + 3 }) < 1e-5)
    // What is said to be zero is not read.
    let put = trial.parameterGradients(of: convolution, start: .nan, areZero: true)
    #expect(put.weights == plain.weights && put.bias == plain.bias)
  }

  @Test func unchangedWeightsAreTransformedOnceInInference() throws {
    let trial = try WinogradTrial(WinogradCase("", 1, 16, [6, 6], out: 16))
    let zeros = [Float](repeating: 0, count: trial.weights.count)
    let inference = try trial.convolution(gradients: [])
    let first = trial.output(of: inference, revision: 1)
    #expect(first.contains { $0 != 0 })
    #expect(trial.output(of: inference, weights: zeros, revision: 1) == first)
    #expect(trial.output(of: inference, weights: zeros, revision: 2).allSatisfy { $0 == 0 })
    // Layers share the memory of transformed filters in training, and where there are many tiles.
    let many = try WinogradTrial(WinogradCase("", 3, 16, [16, 17], out: 16))
    let cases: [(WinogradTrial, WeightedGradients)] = [(trial, .weights), (many, [])]
    for (trial, gradients) in cases {
      let convolution = try trial.convolution(gradients: gradients)
      _ = trial.output(of: convolution, revision: 1)
      #expect(trial.output(of: convolution, weights: zeros, revision: 1).allSatisfy { $0 == 0 })
    }
  }

  @Test func refusalsAreSentences() throws {
    func refusal(_ c: WinogradCase) -> String? {
      do {
        _ = try WinogradTrial(c).convolution()
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      refusal(try WinogradCase("", 1, 16, [6, 6], out: 16, pad: [3, 1]))?
        .contains("windows of stride 1 that pads do not cover") == true)
    #expect(
      refusal(try WinogradCase("", 1, 32, [6, 6], out: 40, groups: 2))?
        .contains("channels of one group") == true)
    #expect(
      refusal(try WinogradCase("", 0, 16, [6, 6], out: 16))?.contains("3x3 and 5x5 windows") == true
    )
    #expect(refusal(try WinogradCase("", 1, 16, [6, 6], out: 16)) == nil)
  }
}
