import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

/// Layers with constants per channel run in the order of the convolutions around them.
@Suite struct PackedOrderTests {
  private func run(_ engine: Engine?, inPlace: Bool) throws -> [[Float]] {
    let names = inPlace ? ["a", "a", "a", "a"] : ["a", "b", "c", "d"]
    let net = try TestNet.make(
      """
      force_backward: true
      layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }
      layer { name: 'first' type: 'Convolution' bottom: 'x' top: 'a'
        convolution_param { num_output: 32 kernel_size: 3 pad: 1 bias_term: false weight_filler { type: 'xavier' } } }
      layer { name: 'n' type: 'BatchNorm' bottom: '\(names[0])' top: '\(names[1])' }
      layer { name: 's' type: 'Scale' bottom: '\(names[1])' top: '\(names[2])'
        scale_param { bias_term: true filler { type: 'uniform' min: 1 max: 2 } } }
      layer { name: 'bias' type: 'Bias' bottom: '\(names[2])' top: '\(names[3])' bias_param { filler { value: 0.3 } } }
      layer { name: 'last' type: 'Convolution' bottom: '\(names[3])' top: 'y'
        convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: 'xavier' } } }
      """, engine: engine)
    let results = try outputAndGradients(of: net)
    #expect(inPlace || (net.blob("d")?.data.layout != nil) == (engine == nil))
    return results
  }

  /// Of a net from `x` to `y`: y, and the gradients of x and of all parameters.
  private func outputAndGradients(of net: Net) throws -> [[Float]] {
    var random = TestRandom(seed: 5)
    let (x, y) = (try #require(net.blob("x")), try #require(net.blob("y")))
    x.data.values = random.values(x.count)
    try net.forward()
    let output = y.data.values
    y.diff.values = random.values(y.count)
    net.clearGradients()
    try net.backward()
    return [output, x.diff.values] + net.parameters.map(\.blob.diff.values)
  }

  @Test(arguments: [false, true]) func givesWhatPlainOrderGives(inPlace: Bool) throws {
    let (plain, packed) = (try run(.caffe, inPlace: inPlace), try run(nil, inPlace: inPlace))
    #expect(plain.count == packed.count)
    for (a, b) in zip(plain, packed) {
      #expect(Closeness.worst(b, a) < 1e-4)  // other sums of some hundred products
    }
  }

  /// On our loops for neighbourhoods of 3 and 5 channels; in other orders for all others.
  @Test(arguments: [(3, 0.75), (5, 0.75), (5, 0.6), (7, 0.75)])
  func normalizationAcrossChannelsStaysInTheOrder(localSize: Int, beta: Double) throws {
    func run(_ engine: Engine?, named: String = "DEFAULT") throws -> ([[Float]], lrn: Layer) {
      let net = try TestNet.make(
        """
        force_backward: true
        layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }
        layer { name: 'first' type: 'Convolution' bottom: 'x' top: 'a'
          convolution_param { num_output: 32 kernel_size: 3 weight_filler { type: 'gaussian' std: 1 } } }
        layer { name: 'n' type: 'LRN' bottom: 'a' top: 'b'
          lrn_param { local_size: \(localSize) alpha: 0.5 beta: \(beta) engine: \(named) } }
        layer { name: 'last' type: 'Convolution' bottom: 'b' top: 'y'
          convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: 'xavier' } } }
        """, engine: engine)
      let announced = try #require(net.blob("b")).data.layout
      #expect((announced != nil) == (engine == nil && (localSize < 7 || named == "ONEDNN")))
      let lrn = try #require(net.layers.first { $0.name == "n" })
      return (try outputAndGradients(of: net), lrn)
    }
    let (plain, _) = try run(.caffe)
    let (packed, lrn) = try run(nil)
    for (a, b) in zip(plain, packed) { #expect(Closeness.worst(b, a) < 1e-4) }
    #expect(lrn.engine.engine == .caffe)
    if localSize == 5, beta == 0.75 {
      #expect(try run(nil, named: "ONEDNN").lrn.engine.engine == .oneDNN)
    }
  }
}
