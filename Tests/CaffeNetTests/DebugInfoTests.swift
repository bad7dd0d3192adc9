import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// `debug_info`: mean magnitudes in Caffe's words, in the order of the passes. On the way back, parameters go by their
/// numbers even if they have names.
@Suite struct DebugInfoTests {
  /// x → a → r (in place) → b → EuclideanLoss against t, all numbers small and whole.
  ///
  ///   x = (1, −2);  a = [[1, 1], [2, 0]]·x + (0, 1) = (−1, 3);  r = (0, 3);  b = (1, −1)·r = −3
  ///   t = −1;  loss = (b − t)² / 2 = 2;  b' = −2;  r' = (−2, 2);  a' = (0, 2)
  private static let text = """
    layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } }
    layer { name: 'at' type: 'Input' top: 't' input_param { shape { dim: 1 dim: 1 } } }
    layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' param { name: 'factor' } param { name: 'shift' lr_mult: 0 } inner_product_param { num_output: 2 } }
    layer { name: 'r' type: 'ReLU' bottom: 'a' top: 'a' }
    layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 1 bias_term: false } }
    layer { name: 'loss' type: 'EuclideanLoss' bottom: 'b' bottom: 't' top: 'loss' }
    """

  private static let lines = """
    [Forward] Layer in, top blob x data: 1.5
    [Forward] Layer at, top blob t data: 1
    [Forward] Layer a, top blob a data: 2
    [Forward] Layer a, param blob factor data: 1
    [Forward] Layer a, param blob shift data: 0.5
    [Forward] Layer r, top blob a data: 1.5
    [Forward] Layer b, top blob b data: 3
    [Forward] Layer b, param blob 0 data: 1
    [Forward] Layer loss, top blob loss data: 2
    [Backward] Layer loss, bottom blob b diff: 2
    [Backward] Layer b, bottom blob a diff: 2
    [Backward] Layer b, param blob 0 diff: 3
    [Backward] Layer r, bottom blob a diff: 1
    [Backward] Layer a, param blob 0 diff: 1.5
    [Backward] All net params (data, diff): L1 norm = (7, 12); L2 norm = (3, 7.48331)
    """

  private func pass(_ text: String, asking: Bool? = nil) throws -> [String] {
    var lines: [String] = []
    let net = try TestNet.make(text) { lines.append($0) }
    net.blob("x")?.data.values = [1, -2]
    net.blob("t")?.data.values = [-1]
    for (parameter, values) in zip(net.parameters, [[1, 1, 2, 0], [0, 1], [1, -1]] as [[Float]]) {
      parameter.blob.data.values = values
    }
    if let asking { net.debugInfo = asking }
    lines = []
    net.clearGradients()
    try net.forward()
    try net.backward()
    return lines
  }

  @Test func everyLineOfAPassByHand() throws {
    let expected = Self.lines.split(separator: "\n").map { "    " + $0 }
    #expect(try pass("debug_info: true " + Self.text) == expected)
    #expect(try pass(Self.text, asking: true) == expected)
  }

  @Test func nothingIsSaidUnlessAskedFor() throws {
    #expect(try pass(Self.text) == [])
    #expect(try pass("debug_info: true " + Self.text, asking: false) == [])
  }

  /// Values from before the step, the step from the gradients; a sharer has no values of its own.
  @Test func updatesAreTold() throws {
    var lines: [String] = []
    let net = try TestNet.make(
      """
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } }
      layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' param { name: 'w' } inner_product_param { num_output: 2 } }
      layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' param { name: 'w' } inner_product_param { num_output: 2 bias_term: false } }
      """
    ) { lines.append($0) }
    net.parameters[0].blob.data.values = [1, -1, 2, -2]
    lines = []
    net.reportUpdate {
      net.parameters[0].blob.data.values = [0, 0, 0, 0]
      net.parameters[0].blob.diff.values = [0.25, 0, 0, -0.25]
    }
    #expect(
      lines == [
        "    [Update] Layer a, param w data: 1.5; diff: 0.125",
        "    [Update] Layer a, param 1 data: 0; diff: 0",
        "    [Update] Layer b, param blob w (owned by layer a, param w) diff: 0.125",
      ])
  }
}
