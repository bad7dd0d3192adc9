import CaffeKernels
import CaffeTestSupport
import Testing

struct OneDNNConvolutionCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let geometry: ConvolutionGeometry
  var algorithm = OneDNNConvolution.Algorithm.direct
  var precision = Precision.float32

  init(
    _ name: String, _ batch: Int, _ channels: Int, _ input: [Int], out: Int, kernel: [Int],
    stride: Int = 1, pad: Int = 0, dilation: Int = 1, groups: Int = 1,
    algorithm: OneDNNConvolution.Algorithm = .direct
  ) throws {
    testDescription = name
    self.algorithm = algorithm
    geometry = try ConvolutionGeometry(
      batch: batch, inputChannels: channels, outputChannels: out, groups: groups, input: input,
      kernel: kernel, stride: input.map { _ in stride }, pad: input.map { _ in pad },
      dilation: input.map { _ in dilation })
  }

  static func all() throws -> [OneDNNConvolutionCase] {
    [
      try .init("LeNet conv1", 2, 1, [12, 10], out: 20, kernel: [5, 5]),
      try .init("LeNet conv2", 2, 20, [12, 10], out: 50, kernel: [5, 5]),
      try .init("three channels, stride 4", 2, 3, [23, 19], out: 16, kernel: [7, 5], stride: 4),
      try .init("odd channels, pad 2", 3, 7, [9, 6], out: 5, kernel: [3, 3], stride: 2, pad: 2),
      try .init("1x1", 2, 24, [5, 7], out: 40, kernel: [1, 1]),
      try .init("1x1, stride 2", 2, 24, [5, 8], out: 40, kernel: [1, 1], stride: 2),
      try .init(
        "1x1, stride 3, odd channels", 3, 70, [7, 6], out: 131, kernel: [1, 1], stride: 3),
      try .init("dilation 2", 2, 16, [11, 9], out: 16, kernel: [3, 3], pad: 2, dilation: 2),
      try .init("groups", 2, 32, [8, 9], out: 48, kernel: [3, 3], pad: 1, groups: 2),
      try .init("odd groups", 2, 9, [7, 6], out: 15, kernel: [3, 2], groups: 3),
      try .init("depthwise", 2, 18, [8, 6], out: 18, kernel: [3, 3], pad: 1, groups: 18),
      try .init("depthwise, twice as many out", 1, 6, [8, 6], out: 12, kernel: [3, 3], groups: 6),
      try .init("1-D", 2, 6, [17], out: 10, kernel: [4], stride: 2, pad: 1),
      try .init("3-D", 2, 4, [5, 6, 7], out: 9, kernel: [2, 3, 3], pad: 1),
      try .init("pad beyond the kernel", 1, 5, [4, 5], out: 6, kernel: [2, 2], pad: 3),
    ] + (Machine.hasWinograd ? [try winograd()] : [])
  }

  /// All of them that oneDNN has fast code for, in bfloat16.
  static func bfloat16() throws -> [OneDNNConvolutionCase] {
    guard Precision.isBFloat16Native else { return [] }
    return try all().filter {
      $0.algorithm == .direct && !$0.testDescription.contains("odd groups")
    }
    .map {
      var c = $0
      c.precision = .bfloat16
      return c
    }
  }

  static func winograd() throws -> OneDNNConvolutionCase {
    try .init("Winograd", 2, 32, [10, 13], out: 48, kernel: [3, 3], pad: 1, algorithm: .winograd)
  }
}

/// One convolution's tensors and what its passes should give.
struct ConvolutionTrial {
  let geometry: ConvolutionGeometry
  let naive: NaiveConvolution
  let weights: [Float]
  let bias: [Float]
  let input: [Float]
  let outputGradient: [Float]
  /// As the passes multiply it.
  let multipliedGradient: [Float]

  /// - Parameter precision: the one in which operands are multiplied.
  init(_ geometry: ConvolutionGeometry, precision: Precision = .float32, seed: UInt64 = 1) {
    var numbers = Numbers(seed: seed)
    self.geometry = geometry
    input = numbers.array(geometry.inputCount)
    weights = numbers.array(geometry.weightCount)
    bias = numbers.array(geometry.outputChannels)
    outputGradient = numbers.array(geometry.outputCount)
    let isExact = precision == .float32
    multipliedGradient = isExact ? outputGradient : outputGradient.map(bfloat16)
    naive = NaiveConvolution(
      geometry: geometry, input: isExact ? input : input.map(bfloat16),
      weights: isExact ? weights : weights.map(bfloat16))
  }

  /// - Parameter rounded: whether what is read comes rounded; so it is in all passes.
  func output(
    of convolution: OneDNNConvolution, bias: [Float]?, rounded: Bool = false
  ) -> [Float] {
    let source = PackedTensor(convolution.forward.inputLayout, input, rounded: rounded)
    let result = PackedTensor(convolution.forward.outputLayout)
    convolution.forward.run(source.operand, weights: weights, bias: bias, into: result.pointer)
    return result.values(geometry.outputCount)
  }

  func inputGradient(
    of convolution: OneDNNConvolution, rounded: Bool = false
  ) throws -> [Float] {
    let pass = try #require(convolution.backwardData)
    let source = PackedTensor(pass.outputGradientLayout, outputGradient, rounded: rounded)
    let result = PackedTensor(pass.inputGradientLayout)
    pass.run(source.operand, weights: weights, into: result.pointer)
    return result.values(geometry.inputCount)
  }

  /// Both gradients, added to `start` everywhere or, if that is said to be zero, put in its place.
  func parameterGradients(
    of convolution: OneDNNConvolution, start: Float = 0, areZero: Bool = false,
    rounded: Bool = false
  ) throws -> (weights: [Float], bias: [Float]) {
    let pass = try #require(convolution.backwardWeights)
    let source = PackedTensor(pass.inputLayout, input, rounded: rounded)
    let gradient = PackedTensor(pass.outputGradientLayout, outputGradient, rounded: rounded)
    var weights = [Float](repeating: start, count: geometry.weightCount)
    var bias = [Float](repeating: start, count: geometry.outputChannels)
    withSums(&weights, &bias, areZero: areZero) {
      pass.run(
        source.operand, outputGradient: gradient.operand, into: $0, biasGradient: $1)
    }
    return (weights, bias)
  }
}
