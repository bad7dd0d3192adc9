import CaffeCore
import CaffeErrors
import CaffeInspect
import CaffeLayers
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// Differences of weights, gradient checks of a net's layers, the first value that is not finite.
@Suite struct DebuggingTests {
  private static let net = """
    layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 4 dim: 2 dim: 9 dim: 9 } shape { dim: 4 } } }
    layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 3 kernel_size: 8 weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" param { lr_mult: 0 } inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    layer { name: "top" type: "ArgMax" bottom: "ip" top: "top" }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "t" top: "loss" }
    """

  private func plan(_ text: String, _ catalog: LayerCatalog = .standard) throws -> NetPlan {
    try NetPlan(TestNet.parse(text), context: LayerContext(phase: .train), catalog: catalog)
  }

  @Test func everyLayerIsCheckedAlone() throws {
    let results = try LayerGradients(plan(Self.net), samples: 7).results
    #expect(results.map(\.name) == ["conv", "relu", "ip", "top", "loss"])
    // The kernel of 8 does not fit into 6 × 6, so all of the 9 × 9 are taken.
    #expect(results[0].bottoms == [[2, 2, 9, 9]] && results[4].bottoms == [[2, 5], [2]])
    #expect(results.map { $0.report?.compared } == [7 + 7 + 3, 7, 7 + 7 + 5, nil, 7])
    #expect(results.compactMap(\.report).allSatisfy(LayerGradients.isRight), "\(results)")
  }

  /// y = x², whose backward pass forgets the 2.
  private final class WrongSquare: Layer {
    static let kind = LayerKind(
      "WrongSquare", bottoms: .exactly(1), tops: .exactly(1),
      documentation: LayerDocumentation("A wrong layer", source: "none")
    ) { try WrongSquare($0, context: $1) }

    override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { bottoms }
    override func forward() throws { top[0].data.values = bottom[0].data.values.map { $0 * $0 } }
    override func backward(propagateDown: [Bool]) throws {
      bottom[0].diff.values = zip(bottom[0].data.values, top[0].diff.values).map(*)
    }
  }

  @Test func aWrongGradientIsFound() throws {
    let net = try Net(
      TestNet.parse(
        """
        force_backward: true
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 6 } } }
        layer { name: "s" type: "WrongSquare" bottom: "x" top: "s" }
        """), context: LayerContext(phase: .train),
      catalog: LayerCatalog([WrongSquare.kind] + LayerCatalog.standard.kinds))
    net.blob("x")?.data.values = [1, 2, 3, 4, 5, 6]
    let report = try GradientCheck().report(on: net)
    #expect(report.compared == 6 && report.worst > 0.3, "\(report)")
    #expect(!LayerGradients.isRight(report) && report.whereWorst.hasPrefix("x["), "\(report)")
  }

  /// Beside a kink the step of 0.01 reaches over it; a smaller one does not.
  @Test func aSmallerStepStaysOnItsSideOfAKink() throws {
    func worst(_ steps: [Float]) throws -> Double {
      let net = try TestNet.make(
        """
        force_backward: true
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 } } }
        layer { name: "r" type: "ReLU" bottom: "x" top: "r" loss_weight: 1 }
        """)
      net.blob("x")?.data.values = [0.004]
      var check = GradientCheck()
      check.steps = steps
      return try check.report(on: net).worst
    }
    #expect(try worst([1e-2]) > 0.1)
    #expect(try worst([1e-2, 1e-3]) < 1e-3)
  }

  @Test func differencesOfWeightsAreMeasured() throws {
    let folder = try TemporaryFolder()
    func weights(_ name: String, _ text: String, change: (Net) -> Void = { _ in }) throws -> Weights
    {
      let net = try TestNet.make(text)
      change(net)
      try net.saveWeights(to: folder(name))
      return try Weights(contentsOf: folder(name))
    }
    let a = try weights("a.caffemodel", Self.net)
    let same = WeightsDifference(a, try weights("b.caffemodel.h5", Self.net))
    #expect(same.isSame && same.blobs.count == 4)
    let b = try weights("c.caffemodel", Self.net) { net in
      net.layer("ip")?.parameters[1].data.values = [0, 0, 2, -0.5, 0]
    }
    let moved = WeightsDifference(a, b)
    #expect(
      moved.blobs.filter { $0.difference != .same } == [
        .init(layer: "ip", index: 1, difference: .values(largest: 2, relative: 1, count: 2, of: 5))
      ])
    #expect(
      moved.blobs[3].difference.description
        == "differs by up to 2 (1 of the largest value), 2 of 5 values")
    #expect(!WeightsDifference(a, b, tolerance: 1.9).isSame)
    #expect(WeightsDifference(a, b, tolerance: 2).isSame)
    let bad = try weights("d.caffemodel", Self.net) { net in
      net.layer("ip")?.parameters[1].data.values = [0, 0, .nan, 0, 0]
    }
    #expect(!WeightsDifference(a, bad, tolerance: 100).isSame && WeightsDifference(bad, bad).isSame)
    let other = try weights(
      "e.caffemodel",
      Self.net.replacing("num_output: 5", with: "num_output: 6 bias_term: false")
        .replacing("name: \"conv\" type", with: "name: \"conv1\" type"))
    #expect(
      WeightsDifference(a, other).blobs.map(\.difference) == [
        .onlyFirst, .onlyFirst, .shapes([5, 12], [6, 12]), .onlyFirst, .onlySecond, .onlySecond,
      ])
  }

  /// Four extents of an old file are the shape that a net takes them for, and no other.
  @Test(arguments: [([1, 1, 2, 3], true), ([1, 1, 3, 2], false), ([2, 3, 1, 1], false)])
  func anOldShapeIsTodaysShape(extents: [Int], isSame: Bool) throws {
    let folder = try TemporaryFolder()
    let net = try TestNet.make(
      """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 } } }
      layer { name: "fc" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 bias_term: false } }
      """)
    net.parameters[0].blob.data.values = [1, 2, 3, 4, 5, 6]
    try net.saveWeights(to: folder("new"))
    var model = NetParameter()
    model.layers = [OldLayers.v1]
    (model.layers[0].blobs[0].num, model.layers[0].blobs[0].channels) = (extents[0], extents[1])
    (model.layers[0].blobs[0].height, model.layers[0].blobs[0].width) = (extents[2], extents[3])
    try folder.write("old", model.binary())
    let files = try ["old", "new"].map { try Weights(contentsOf: folder($0)) }
    let there = WeightsDifference(files[0], files[1]).blobs.map(\.difference)
    let back = WeightsDifference(files[1], files[0]).blobs.map(\.difference)
    #expect(there == [isSame ? .same : .shapes(extents, [2, 3])])
    #expect(back == [isSame ? .same : .shapes([2, 3], extents)])
  }

  /// Layers of one name are compared in their order.
  @Test func everyLayerOfANameIsCompared() throws {
    let folder = try TemporaryFolder()
    let layer = #"type: "InnerProduct" inner_product_param { num_output: 2 bias_term: false } }"#
    let net = try TestNet.make(
      """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
      layer { name: "d" bottom: "x" top: "y" \(layer)
      layer { name: "d" bottom: "y" top: "z" \(layer)
      """)
    try net.saveWeights(to: folder("a"))
    net.parameters[1].blob.data.values = [0, 0, 0, 4]
    try net.saveWeights(to: folder("b"))
    let files = try ["a", "b"].map { try Weights(contentsOf: folder($0)) }
    #expect(
      WeightsDifference(files[0], files[1]).blobs.map(\.difference)
        == [.same, .values(largest: 4, relative: 1, count: 1, of: 4)])
  }

  @Test func theFirstValueThatIsNotFiniteIsNamed() throws {
    let text = """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "constant" value: 1 } } }
      layer { name: "log" type: "Log" bottom: "ip" top: "log" }
      layer { name: "sum" type: "Reduction" bottom: "log" top: "sum" loss_weight: 1 }
      """
    func outcome(_ values: [Float], weight: Float = 1, detects: Bool = true) throws -> String {
      let net = try TestNet.make(text)
      net.detectsAnomalies = detects
      net.blob("x")?.data.values = values
      net.layer("ip")?.parameters[0].data.values = [1, 1, 1, weight]
      return refusal {
        try net.forward()
        try net.backward()
      }
    }
    #expect(try outcome([1, 2, 3, 4]) == "(nothing was refused)")
    #expect(
      try outcome([1, 2, -3, 1]).contains(
        /layer 'log' \(Log\), line 3: top 'log' has 2 of 4 values that are not finite after the forward pass; the first is -?nan, number 2/
      ))
    #expect(
      try outcome([1, 2, 3, 4], weight: .infinity).contains(
        "layer 'ip' (InnerProduct), line 2: param 0 has 1 of 4"))
    #expect(try outcome([1, .infinity, 3, 4]).contains("layer 'in' (Input)"))
    // ln is finite a hair above 0, its derivative is not.
    #expect(
      try outcome([.leastNonzeroMagnitude, 0, 1, 1]).contains(
        "the gradient of bottom 'ip' has 2 of 4"))
    #expect(try outcome([1, 2, -3, 1], detects: false) == "(nothing was refused)")
  }
}
