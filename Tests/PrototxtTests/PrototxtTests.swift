import CaffeNet
import CaffeSchema
import Testing

/// Every file under `prototxt/` is used: `ModelTests` trains the nets that have a solver, and nets
/// for use compute their outputs here.
@Suite struct PrototxtTests {
  static let solvers = PrototxtFiles.all(endingWith: "solver.prototxt")
  static let trained = PrototxtFiles.all(endingWith: "train_test.prototxt")
  static let deployed = PrototxtFiles.all.filter { !solvers.contains($0) && !trained.contains($0) }

  @Test func everyNetIsTrained() throws {
    let models = ModelTests.models.map { "prototxt/\($0.name)/\($0.name)_train_test.prototxt" }
    #expect(models.sorted() == Self.trained)
    let solved = try Self.solvers.map { try SolverParameter.read(PrototxtFiles.path($0)).net }
    #expect(Set(solved) == Set(Self.trained))
  }

  @Test(arguments: deployed)
  func netsForUseRun(file: String) throws {
    let net = try Net(
      NetParameter.read(PrototxtFiles.path(file)), context: .init(phase: .test, seed: 1))
    try net.forward()
    #expect(!net.inputs.isEmpty && !net.outputs.isEmpty)
    #expect(net.outputs.allSatisfy { $0.blob.data.values.allSatisfy(\.isFinite) })
  }
}
