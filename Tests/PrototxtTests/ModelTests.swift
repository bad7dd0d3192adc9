import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// Every net under `prototxt/`, built with inputs in the place of its data layers, of a size that a
/// small machine can run, makes an iteration of its own solver.
@Suite(.serialized) struct ModelTests {
  struct Model: CustomTestStringConvertible, Sendable {
    enum Values: Sendable {
      case uniform
      /// Whole numbers of `0..<limit`.
      case indices(Int)
      /// 0 in the first row (a sequence begins), otherwise 1.
      case cont
    }

    let name: String
    let inputs: [(blob: String, shape: [Int], values: Values)]
    /// Parameters on which the objective does not depend.
    var idle: Set<String> = []
    var testDescription: String { name }
  }

  private static func classifier(_ name: String, _ shape: [Int], classes: Int = 1000) -> Model {
    Model(
      name: name, inputs: [("data", shape, .uniform), ("label", [shape[0]], .indices(classes))])
  }

  static let models = [
    classifier("alexnet", [2, 3, 67, 67]),
    Model(name: "autoencoder", inputs: [("data", [4, 1, 28, 28], .uniform)]),
    Model(
      name: "captioner",
      inputs: [
        ("cont_sentence", [3, 2], .cont), ("input_sentence", [3, 2], .indices(8801)),
        ("target_sentence", [3, 2], .indices(8801)), ("image_features", [2, 4096], .uniform),
      ]),
    classifier("cifar10_quick", [4, 3, 32, 32], classes: 10),
    Model(
      name: "fcn",
      inputs: [("data", [1, 3, 32, 40], .uniform), ("label", [1, 1, 32, 40], .indices(21))]),
    classifier("googlenet", [1, 3, 224, 224]),
    classifier("lenet", [4, 1, 28, 28], classes: 10),
    classifier("resnet50", [2, 3, 64, 64]),
    Model(
      name: "siamese",
      inputs: [("pair_data", [4, 2, 28, 28], .uniform), ("sim", [4], .indices(2))],
      // Two points that move together keep their distance.
      idle: ["ip2_b", "feat_b"]),
    classifier("vgg16", [2, 3, 32, 32]),
  ]

  /// Every learnable blob gets a gradient that is finite and not all zeros, but for the idle ones;
  /// then the model's own solver makes an iteration and tests.
  @Test(arguments: models)
  func trainsAndTests(_ model: Model) throws {
    let solver = try solver(model)
    let train = solver.net
    try fill(train, model)
    #expect(try train.forward().isFinite)
    train.clearGradients()
    try train.backward()
    let learned = train.parameters.filter { $0.learningRateMultiplier != 0 }
    #expect(learned.count > 6)
    for parameter in learned {
      let (gradient, name) = (parameter.blob.diff.values, parameter.displayName)
      #expect(gradient.allSatisfy { $0.isFinite }, "\(name)")
      let isZero = gradient.allSatisfy { $0 == 0 }
      #expect(isZero == model.idle.contains(name), "gradient of \(name)")
    }
    train.clearGradients()
    try solver.trainOnce()
    #expect(train.store.blobs.allSatisfy { $0.data.values.allSatisfy { $0.isFinite } })
    let test = try #require(solver.testNets.first)
    try fill(test, model)
    try solver.test(0)
    #expect(!test.outputs.isEmpty)
    for output in test.outputs {
      #expect(output.blob.data.values.allSatisfy { $0.isFinite }, "\(output.blob.name)")
    }
  }

  /// The model's solver over the small net, for a single batch.
  private func solver(_ model: Model) throws -> Solver {
    var solver = try SolverParameter.read(
      PrototxtFiles.path("prototxt/\(model.name)/\(model.name)_solver.prototxt"))
    solver.netParam = try withInputs(NetParameter.read(PrototxtFiles.path(solver.net)), model)
    solver.clearNet()
    solver.clearSnapshot()
    solver.snapshotAfterTrain = false
    solver.testIter = [1]
    solver.iterSize = 1
    solver.randomSeed = 11
    return try Solver(solver)
  }

  private func withInputs(_ net: NetParameter, _ model: Model) throws -> NetParameter {
    var net = net
    let sources = net.layer.filter(\.bottom.isEmpty)
    #expect(Set(sources.flatMap(\.top)) == Set(model.inputs.map(\.blob)))
    net.layer = try model.inputs.map(input) + net.layer.filter { !$0.bottom.isEmpty }
    return net
  }

  private func fill(_ net: Net, _ model: Model) throws {
    var random = TestRandom(seed: 4)
    for (blob, shape, values) in model.inputs {
      let (blob, width) = (try #require(net.blob(blob)), shape.dropFirst().reduce(1, *))
      blob.data.values = (0..<blob.count).map { index in
        switch values {
        case .uniform: random.uniform(0, 1)
        case .indices(let limit): Float(Int(random.next() % UInt64(limit)))
        case .cont: index < width ? 0 : 1
        }
      }
    }
  }

  private func input(
    _ input: (blob: String, shape: [Int], values: Model.Values)
  ) throws -> LayerParameter {
    let dims = input.shape.map { "dim: \($0)" }.joined(separator: " ")
    return try LayerParameter(
      text: """
        name: "\(input.blob)" type: "Input" top: "\(input.blob)" input_param { shape { \(dims) } }
        """, file: input.blob)
  }
}
