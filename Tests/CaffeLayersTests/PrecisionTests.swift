import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// BF16: the operands of convolutions and inner products are rounded, everything else is not.
@Suite struct PrecisionTests {
  static let cases = [
    LayerTestCase(
      "Convolution",
      "type: 'Convolution' convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 weight_filler { type: 'gaussian' std: 1 } bias_filler { type: 'gaussian' std: 1 } }",
      [[2, 4, 5, 6]]),
    LayerTestCase(
      "Deconvolution",
      "type: 'Deconvolution' convolution_param { num_output: 3 kernel_size: 4 stride: 2 weight_filler { type: 'gaussian' std: 1 } bias_filler { type: 'gaussian' std: 1 } }",
      [[2, 4, 5, 3]]),
    LayerTestCase(
      "InnerProduct",
      "type: 'InnerProduct' inner_product_param { num_output: 7 weight_filler { type: 'gaussian' std: 1 } bias_filler { type: 'gaussian' std: 1 } }",
      [[3, 4, 5]]),
    LayerTestCase(
      "InnerProduct transposed, axis 2",
      "type: 'InnerProduct' inner_product_param { num_output: 7 axis: 2 transpose: true weight_filler { type: 'gaussian' std: 1 } bias_filler { type: 'gaussian' std: 1 } }",
      [[3, 4, 5]]),
  ]

  private static func net(
    _ c: LayerTestCase, _ engine: Engine?, _ precision: Precision, choices: SpeedChoices? = nil
  ) throws -> Net {
    try Net(
      NetParameter(text: "force_backward: true " + c.text, file: "case"),
      context: LayerContext(
        phase: .train, engine: engine, precision: precision, choices: choices, seed: 3))
  }

  /// Top, bottom's gradient and the parameters' gradients.
  private static func results(
    _ net: Net, rounding: (Float) -> Float = { $0 }
  ) throws -> [[Float]] {
    let (bottom, top) = (try #require(net.blob("in0")), try #require(net.blob("out0")))
    var random = TestRandom(seed: 1)
    bottom.data.values = random.values(bottom.count).map(rounding)
    let weights = net.parameters[0].blob
    weights.data.values = weights.data.values.map(rounding)
    try net.forward()
    top.diff.values = random.values(top.count).map(rounding)
    net.clearGradients()
    try net.backward()
    return [top.data.values, bottom.diff.values] + net.parameters.map { $0.blob.diff.values }
  }

  @Test(arguments: cases) func theReferenceRoundsOperandsAndNothingElse(_ c: LayerTestCase) throws {
    let found = try Self.results(Self.net(c, .caffe, .bfloat16))
    let exact = try Self.results(Self.net(c, .caffe, .float32), rounding: bfloat16)
    let unrounded = try Self.results(Self.net(c, .caffe, .float32))
    #expect(found.prefix(3) == exact.prefix(3))
    // A Deconvolution's bias is no product.
    #expect(found[3] == (c.testDescription == "Deconvolution" ? unrounded[3] : exact[3]))
    for index in 0..<3 { #expect(found[index] != unrounded[index]) }
  }

  @Test(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"), arguments: cases)
  func oneDNNAgreesWithTheReference(_ c: LayerTestCase) throws {
    let found = try Self.results(Self.net(c, nil, .bfloat16))
    let expected = try Self.results(Self.net(c, .caffe, .bfloat16))
    for (found, expected) in zip(found, expected) {
      #expect(found.count == expected.count)
      let worst = zip(found, expected).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? .infinity
      #expect(worst < 1e-4)
    }
  }

  @Test(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
  func aConvolutionThatIsFasterInFloat32StaysSo() throws {
    let found = try Self.results(
      Self.net(Self.cases[0], nil, .bfloat16, choices: FixedChoice.float32))
    #expect(try found == Self.results(Self.net(Self.cases[0], nil, .float32)))
    let wide = LayerTestCase(
      "",
      "type: 'Convolution' convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: 'gaussian' std: 1 } }",
      [[2, 16, 5, 6]])
    let onTiles = try [Precision.bfloat16, .float32].map {
      try Self.results(Self.net(wide, nil, $0, choices: FixedChoice.tiles))
    }
    #expect(onTiles[0] == onTiles[1])
  }

  @Test func otherProcessorsRefuseInOneSentence() throws {
    func make() throws -> Net { try Self.net(Self.cases[0], nil, .bfloat16) }
    if Precision.isBFloat16Native {
      let net = try make()
      #expect(net.layers.last?.engine.engine == .oneDNN)
    } else {
      #expect(
        throws: CaffeError(
          "precision BF16 needs a processor with AVX-512 BF16, which this one does not have; the engine CAFFE imitates it on any processor, more slowly than FLOAT32"
        )
      ) { _ = try make() }
    }
  }
}
