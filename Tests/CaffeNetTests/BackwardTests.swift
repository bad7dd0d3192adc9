import CaffeSchema
import CaffeTestSupport
import Testing

/// Where gradients flow: only to what learns, only from losses, only where the prototxt lets them.
@Suite struct BackwardTests {
  /// x → p → r → q → loss, and a branch p → dead that leads to no loss.
  private static func chain(
    p: String = "", r: String = "", q: String = "", net: String = "", tail: String = ""
  ) -> String {
    """
    \(net)
    layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }
    layer { name: 'at' type: 'Input' top: 't' input_param { shape { dim: 2 } } }
    layer { name: 'p' type: 'InnerProduct' bottom: 'x' top: 'p' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } \(p) }
    layer { name: 'r' type: 'ReLU' bottom: 'p' top: 'r' \(r) }
    layer { name: 'q' type: 'InnerProduct' bottom: 'r' top: 'q' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } \(q) }
    layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'q' bottom: 't' top: 'loss' }
    \(tail)
    """
  }

  private static let frozen = "param { lr_mult: 0 } param { lr_mult: 0 }"

  /// `p(x)`: layer p runs backward and gives its bottom no gradient; a capital letter: it does.
  private func flow(_ text: String) throws -> String {
    try TestNet.plan(text).layers.filter(\.needsBackward).map { layer in
      let bottoms = zip(layer.parameter.bottom, layer.propagateDown)
        .map { $1 ? $0.uppercased() : $0 }
      return "\(layer.parameter.name)(\(bottoms.joined(separator: " ")))"
    }.joined(separator: " ")
  }

  @Test(arguments: [
    (chain(), "p(x) r(P) q(R) loss(Q t)"),
    (chain(p: frozen), "q(r) loss(Q t)"),
    (chain(q: frozen), "p(x) r(P) q(R) loss(Q t)"),
    (chain(p: frozen, q: frozen), ""),
    (chain(p: "param { lr_mult: 0 }"), "p(x) r(P) q(R) loss(Q t)"),
    (chain(p: frozen, net: "force_backward: true"), "p(X) r(P) q(R) loss(Q t)"),
    (chain(r: "propagate_down: false"), "q(R) loss(Q t)"),
    (chain(q: "propagate_down: false"), "q(r) loss(Q t)"),
    (chain(p: "propagate_down: true"), "p(X) r(P) q(R) loss(Q t)"),
    // What leads to no loss needs no gradient; with a loss_weight it is one.
    (
      chain(tail: "layer { name: 'dead' type: 'TanH' bottom: 'r' top: 'dead' }"),
      "p(x) r(P) r_r_0_split(R) q(R_R_0_SPLIT_0) loss(Q t)"
    ),
    (
      chain(tail: "layer { name: 'dead' type: 'TanH' bottom: 'r' top: 'dead' loss_weight: 1 }"),
      "p(x) r(P) r_r_0_split(R) q(R_R_0_SPLIT_0) loss(Q t) dead(R_R_0_SPLIT_1)"
    ),
    // An accuracy has no gradient to give.
    (
      chain(tail: "layer { name: 'acc' type: 'Accuracy' bottom: 'q' bottom: 't' top: 'acc' }"),
      "p(x) r(P) q(R) q_q_0_split(Q) loss(Q_Q_0_SPLIT_0 t_at_0_split_0)"
    ),
    // Without any loss nothing runs backward.
    (
      "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }"
        + "layer { name: 'p' type: 'InnerProduct' bottom: 'x' top: 'p' inner_product_param { num_output: 3 } }",
      ""
    ),
  ])
  func layersAndBottoms(text: String, expected: String) throws {
    #expect(try flow(text) == expected)
  }

  /// A frozen parameter keeps a gradient of zeros; its neighbours learn.
  @Test func frozenParametersGetNoGradient() throws {
    let net = try TestNet.make(Self.chain(p: "param { lr_mult: 0 }"))
    net.blob("x")?.data.values = [1, 2, 3, -1, 0, 1]
    net.clearGradients()
    try net.forward()
    try net.backward()
    let parameters = try #require(net.layer("p")).parameters
    #expect(parameters[0].diff.values.allSatisfy { $0 == 0 })
    #expect(parameters[1].diff.values.contains { $0 != 0 })
  }

  /// The second branch's gradient is added in the split, so the sum is that of both losses.
  @Test func gradientsOfBranchesAdd() throws {
    let branch = { (tail: String) in
      let net = try TestNet.make(Self.chain(tail: tail))
      net.blob("x")?.data.values = [1, 2, 3, -1, 0, 1]
      net.clearGradients()
      try net.forward()
      try net.backward()
      return try #require(net.layer("p")).parameters[0].diff.values
    }
    let once = try branch("")
    let twice = try branch(
      "layer { name: 'again' type: 'SoftmaxWithLoss' bottom: 'q' bottom: 't' top: 'again' loss_weight: 2 }"
    )
    #expect(once.contains { $0 != 0 })
    // 1 + 2 times the same loss.
    #expect(Closeness.worst(twice, once.map { 3 * $0 }) < 1e-5)
  }

  @Test(arguments: [
    (
      chain(r: "propagate_down: true propagate_down: true"),
      "layer 'r' (ReLU), line 5: propagate_down param must be specified either 0 or bottom_size times: 2 given, 1 bottoms"
    ),
    (
      chain(
        tail:
          "layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'r' bottom: 'r' top: 'l' softmax_param { axis: 0 } propagate_down: true propagate_down: true }"
      ), "one label"
    ),
  ])
  func mistakesAreNamed(text: String, message: String) {
    let refused = refusal { _ = try TestNet.plan(text) }
    #expect(refused.contains(message), "\(refused)")
  }

  /// Two scores each, and two labels that are computed from something that learns.
  @Test func labelsTakeNoGradient() {
    let text = { (wish: String) in
      """
      layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 2 dim: 1 dim: 2 } } }
      layer { name: 'p' type: 'InnerProduct' bottom: 'y' top: 'p' inner_product_param { num_output: 2 } }
      layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'x' bottom: 'p' top: 'l' softmax_param { axis: 1 } \(wish) }
      """
    }
    #expect(
      refusal { _ = try TestNet.plan(text("")) }.hasSuffix(
        "layer 'l' (SoftmaxWithLoss), line 3: SoftmaxWithLoss Layer cannot backpropagate to label inputs, but bottom 1 ('p') needs a gradient; set propagate_down: false for it"
      ))
    #expect(throws: Never.self) {
      _ = try TestNet.plan(text("propagate_down: true propagate_down: false"))
    }
  }
}
