import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Foundation
import Testing

/// The nets under `prototxt/` whose data nobody has: each is built with inputs in the place of its
/// data layers and runs forward and backward once.
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
    classifier("resnet50", [2, 3, 64, 64]),
    Model(
      name: "siamese",
      inputs: [("pair_data", [4, 2, 28, 28], .uniform), ("sim", [4], .indices(2))],
      // Two points that move together keep their distance.
      idle: ["ip2_b", "feat_b"]),
    classifier("vgg16", [2, 3, 32, 32]),
  ]

  /// Every learnable blob gets a gradient that is finite and not all zeros, but for the idle ones.
  @Test(arguments: models)
  func runsForwardAndBackward(_ model: Model) throws {
    let train = try net(model, .train)
    #expect(try train.forward().isFinite)
    train.clearGradients()
    try train.backward()
    let learned = train.parameters.filter { $0.learningRateMultiplier != 0 }
    #expect(learned.count > 6)
    for parameter in learned {
      let gradient = parameter.blob.diff.values
      #expect(gradient.allSatisfy { $0.isFinite }, "\(parameter.displayName)")
      let learns = gradient.contains { abs($0) > 0 }
      #expect(
        learns != model.idle.contains(parameter.displayName), "gradient of \(parameter.displayName)"
      )
    }
    let test = try net(model, .test, sharing: train)
    try test.forward()
    #expect(!test.outputs.isEmpty)
    for output in test.outputs {
      #expect(output.blob.data.values.allSatisfy { $0.isFinite }, "\(output.blob.name)")
    }
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../prototxt").standardized

  private func net(_ model: Model, _ phase: Phase, sharing: Net? = nil) throws -> Net {
    let path = Self.folder.appendingPathComponent("\(model.name)/\(model.name)_train_test.prototxt")
    var description = try NetParameter(contentsOfTextFile: path.path)
    let layers = description.layer.filter { !$0.bottom.isEmpty }
    let replaced = Set(description.layer.filter(\.bottom.isEmpty).flatMap(\.top))
    #expect(replaced == Set(model.inputs.map(\.blob)))
    description.layer = try model.inputs.map(input) + layers
    let net = try Net(
      description, context: LayerContext(phase: phase, seed: 11), sharing: sharing)
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
    return net
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
