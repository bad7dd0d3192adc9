import CaffeSchema
import CaffeTestSupport
import Testing

/// Splits, names, outputs: who reads what.
@Suite struct ConnectTests {
  private static let input =
    "layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 2 dim: 3 } } }\n"
  private static let label =
    "layer { name: 'at' type: 'Input' top: 't' input_param { shape { dim: 2 } } }\n"

  private func outline(_ text: String) throws -> [String] {
    try TestNet.parse(Self.input + text).insertingSplits().outline
  }

  @Test func oneReaderNeedsNoSplit() throws {
    #expect(
      try outline("layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }")
        == ["in:  -> x y", "a: x -> a"])
  }

  @Test func severalReadersGetABlobEach() throws {
    #expect(
      try outline(
        """
        layer { name: 'a' type: 'ReLU' bottom: 'y' top: 'a' }
        layer { name: 'b' type: 'Eltwise' bottom: 'y' bottom: 'a' bottom: 'y' top: 'b' }
        """) == [
          "in:  -> x y",
          "y_in_1_split: y -> y_in_1_split_0 y_in_1_split_1 y_in_1_split_2",
          "a: y_in_1_split_0 -> a",
          "b: y_in_1_split_1 a y_in_1_split_2 -> b",
        ])
  }

  /// What is read after an in-place layer is that layer's top.
  @Test func splitFollowsTheLastLayerInPlace() throws {
    #expect(
      try outline(
        """
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }
        layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' }
        layer { name: 'b' type: 'ReLU' bottom: 'x' top: 'b' }
        """) == [
          "in:  -> x y", "r: x -> x", "x_r_0_split: x -> x_r_0_split_0 x_r_0_split_1",
          "a: x_r_0_split_0 -> a", "b: x_r_0_split_1 -> b",
        ])
  }

  /// A loss weight is a reader, and moves to the first top of the split.
  @Test func lossWeightMovesToTheSplit() throws {
    #expect(
      try outline(
        """
        layer { name: 'l' type: 'ReLU' bottom: 'x' top: 'l' loss_weight: 0.5 }
        layer { name: 'a' type: 'ReLU' bottom: 'l' top: 'a' }
        """) == [
          "in:  -> x y", "l: x -> l loss_weight [0.0]",
          "l_l_0_split: l -> l_l_0_split_0 l_l_0_split_1 loss_weight [0.5, 0.0]",
          "a: l_l_0_split_1 -> a",
        ])
  }

  @Test func splittingTwiceChangesNothing() throws {
    let text = "layer { name: 'a' type: 'Eltwise' bottom: 'x' bottom: 'x' top: 'a' }"
    let once = try TestNet.parse(Self.input + text).insertingSplits()
    #expect(try once.insertingSplits().outline == once.outline)
  }

  @Test func outputsAreInAlphabeticalOrder() throws {
    let net = try TestNet.make(
      Self.input + """
        layer { name: 'b' type: 'ReLU' bottom: 'x' top: 'b' }
        layer { name: 'c' type: 'ReLU' bottom: 'y' top: 'B' }
        layer { name: 'd' type: 'TanH' bottom: 'B' top: 'a' }
        """)
    #expect(net.outputs.map(\.blob.name) == ["a", "b"])
    #expect(net.inputs == ["x", "y"])
    #expect(net.blobNames == ["x", "y", "b", "B", "a"])
  }

  @Test func inPlaceLayersShareTheirBlob() throws {
    let net = try TestNet.make(Self.input + "layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }")
    let layer = try #require(net.layer("r"))
    #expect(layer.bottom[0] === layer.top[0])
    net.blob("x")?.data.values = [-1, 2, -3, 4, -5, 6]
    try net.forward()
    #expect(net.blob("x")?.data.values == [0, 2, 0, 4, 0, 6])
  }

  @Test func setUpIsToldInCaffesOrder() throws {
    var lines: [String] = []
    _ = try TestNet.make(
      Self.label + """
        layer { name: 's' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }
        layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }
        layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'x' bottom: 't' top: 'l' loss_weight: 0.5 }
        """
    ) { lines.append($0) }
    #expect(
      lines == [
        "Creating Layer at", "at -> t", "Setting up at", "Top shape: 2 (2)",
        "Memory required for data: 8",
        "Creating Layer s", "s -> x", "Setting up s", "Top shape: 2 3 (6)",
        "Memory required for data: 32",
        "Creating Layer r", "r <- x", "r -> x (in-place)", "Setting up r", "Top shape: 2 3 (6)",
        "Memory required for data: 56",
        "Creating Layer l", "l <- x", "l <- t", "l -> l", "Setting up l", "Top shape: (1)",
        "    with loss weight 0.5", "Memory required for data: 60",
        "l does not need backward computation.", "r does not need backward computation.",
        "s does not need backward computation.", "at does not need backward computation.",
        "This network produces output l", "Network initialization done.",
      ])
  }

  /// Several losses count with their weights; a top that is no loss counts with all its values.
  @Test func objectiveIsTheWeightedSumOfAllLosses() throws {
    let net = try TestNet.make(
      Self.input + Self.label + """
        layer { name: 'l1' type: 'SoftmaxWithLoss' bottom: 'x' bottom: 't' top: 'l1' loss_weight: 2 }
        layer { name: 'l2' type: 'SoftmaxWithLoss' bottom: 'y' bottom: 't' top: 'l2' }
        layer { name: 'r' type: 'ReLU' bottom: 'y' top: 'r' loss_weight: 0.25 }
        """)
    net.blob("y")?.data.values = [1, 1, 1, 2, 2, 2]
    let objective = try net.forward()
    let uniform = Float(1.0986123)  // ln 3
    #expect(abs(objective - (3 * uniform + 0.25 * 9)) < 1e-5)
    #expect(net.outputs.map(\.lossWeight) == [2, 1, 0.25])
  }

  @Test(arguments: [
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'xx' top: 'a' }",
      "Unknown bottom blob 'xx' (layer 'a', bottom index 0, line 3); did you mean 'x'?"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'later' top: 'a' } layer { name: 'b' type: 'ReLU' bottom: 'a' top: 'later' }",
      "Unknown bottom blob 'later' (layer 'a', bottom index 0, line 3); layer 'b' makes it, but stands later in the net"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'something' top: 'a' }",
      "Unknown bottom blob 'something' (layer 'a', bottom index 0, line 3)"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y' }",
      "layer 'a' (ReLU), line 3: Top blob 'y' produced by multiple sources: layer 'in' makes it already."
    ),
    (
      "layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'x' inner_product_param { num_output: 3 } }",
      "layer 'a' (InnerProduct), line 3: InnerProduct Layer does not allow in-place computation; give its top another name than 'x'"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'x' bottom: 'y' top: 'a' }",
      "layer 'a' (ReLU), line 3: ReLU Layer takes 1 bottom blob(s) as input, got 2"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' top: 'b' }",
      "layer 'a' (ReLU), line 3: ReLU Layer produces 1 top blob(s) as output, got 2"
    ),
    (
      "layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'a' loss_weight: 1 loss_weight: 2 }",
      "layer 'a' (ReLU), line 3: loss_weight must be unspecified or specified once per top blob: 2 given, 1 tops"
    ),
    (
      "layer { name: 'a' type: 'Relu6' bottom: 'x' top: 'a' }",
      "layer 'a' (Relu6), line 3: Unknown layer type: Relu6; did you mean \"ReLU\"?"
    ),
    (
      "layer { name: 'a' type: 'Eltwise' bottom: 'x' bottom: 't' top: 'a' }",
      "layer 'a' (Eltwise), line 3: all bottoms must have one shape: bottom 0 has 2 3 (6), bottom 1 2 (2)"
    ),
  ])
  func mistakesAreNamed(text: String, message: String) {
    #expect(
      refusal { _ = try TestNet.make("name: 'n' " + Self.input + Self.label + text) }
        == "test.prototxt: net 'n': " + message)
  }
}
