import CaffeCore
import CaffeInspect
import CaffeNet
import CaffeSolver
import CaffeTestSupport
import Testing

/// What `caffe-swift time --model … --table` tells.
@Suite struct ProfileTests {
  /// Sigmoid in place wants the plain order of values that come packed, and its gradient comes plain.
  @Test func countsEachConversionOnce() throws {
    let text = """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 16 dim: 9 dim: 7 } } }
      layer { name: "conv" type: "Convolution" bottom: "x" top: "y" convolution_param {
        num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
      layer { name: "sigmoid" type: "Sigmoid" bottom: "y" top: "y" loss_weight: 1 }
      """
    let net = try Net(
      try TestNet.parse(text), context: LayerContext(phase: .train, engine: .oneDNN))
    let profile = try NetProfile(net, LayerTiming(net, iterations: 1) { _, _ in })
    let sigmoid = try #require(profile.layers.first { $0.name == "sigmoid" })
    #expect(sigmoid.conversions == 1)
  }

  /// As in training, where an update leaves zeros.
  @Test func everyPassBeginsWithGradientsOfZero() throws {
    let text = """
      layer { name: "in" type: "DummyData" top: "x" dummy_data_param {
        shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 2 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" loss_weight: 1
        inner_product_param { num_output: 4 weight_filler { type: "constant" value: 1 } } }
      """
    let net = try Net(try TestNet.parse(text), context: LayerContext(phase: .train))
    _ = try LayerTiming(net, iterations: 3) { _, _ in }
    #expect(net.parameters[0].blob.diff.values == Array(repeating: 4, count: 12))
  }
}
