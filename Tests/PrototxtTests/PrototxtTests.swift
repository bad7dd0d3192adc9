import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// Every file under `prototxt/` is read, builds and runs an iteration.
@Suite struct PrototxtTests {
  private static let root: String = {
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return here.dropLast(3).joined(separator: "/")
  }()

  private static let files: [String] = {
    let names = FileManager.default.enumerator(atPath: root + "/prototxt")?
      .compactMap { $0 as? String }
    return (names ?? []).filter { $0.hasSuffix(".prototxt") }.sorted()
  }()

  static let solvers = files.filter { $0.hasSuffix("solver.prototxt") }
  static let nets = files.filter { !$0.hasSuffix("solver.prototxt") }

  @Test func thereAreFiles() {
    #expect(!Self.solvers.isEmpty && !Self.nets.isEmpty)
  }

  @Test(arguments: nets)
  func netsRunForwardAndBackward(file: String) throws {
    let net = try NetParameter.read(Self.root + "/prototxt/" + file)
    for phase in [Phase.train, .test] {
      var net = StandIn.replaceData(net)
      net.state.phase = phase
      // Nets for use have no layers for training only, and the other way round.
      guard try !net.filtered().layer.isEmpty else { continue }
      let built = try Net(net, context: .init(phase: phase, seed: 1))
      let objective = try built.forward()
      #expect(objective.isFinite)
      if phase == .train { try built.backward() }
    }
  }

  @Test(arguments: solvers)
  func solversMakeAnIteration(file: String) throws {
    var solver = try SolverParameter.read(Self.root + "/prototxt/" + file)
    let isGeneric = solver.hasNet
    let net = try NetParameter.read(
      Self.root + "/" + (isGeneric ? solver.net : solver.trainNet))
    let tests = try solver.testNet.map { try NetParameter.read(Self.root + "/" + $0) }
    solver.clearNet()
    solver.clearTrainNet()
    solver.clearTestNet()
    if isGeneric {
      solver.netParam = StandIn.replaceData(net)
    } else {
      solver.trainNetParam = StandIn.replaceData(net)
    }
    solver.testNetParam = tests.map(StandIn.replaceData)
    solver.testIter = solver.testIter.map { _ in 1 }
    solver.clearSnapshot()
    solver.snapshotAfterTrain = false
    let run = try Solver(solver)
    try run.trainOnce()
    for index in run.testNets.indices { try run.test(index) }
    #expect(run.net.store.blobs.allSatisfy { $0.data.values.allSatisfy(\.isFinite) })
  }
}

/// Layers in place of those that read data this machine may not have.
private enum StandIn {
  /// Records of MNIST's extents unless the layer crops; labels 0, which every net knows.
  private static let recordExtents = [1, 28, 28]

  static func replaceData(_ net: NetParameter) -> NetParameter {
    var net = net
    net.layer = net.layer.map { layer in
      switch layer.type {
      case "Data": dummy(layer, batch: layer.dataParam.batchSize)
      case "ImageData": dummy(layer, batch: layer.imageDataParam.batchSize)
      case "HDF5Data": dummy(layer, batch: layer.hdf5DataParam.batchSize)
      default: layer
      }
    }
    return net
  }

  private static func dummy(_ layer: LayerParameter, batch: Int) -> LayerParameter {
    var dummy = DummyDataParameter()
    dummy.shape = layer.top.indices.map { top in
      var shape = BlobShape()
      shape.dim = top == 0 ? [batch] + extents(layer) : [batch]
      return shape
    }
    dummy.dataFiller = layer.top.indices.map { top in
      var filler = FillerParameter()
      filler.type = top == 0 ? "uniform" : "constant"
      return filler
    }
    var stand = layer
    stand.type = "DummyData"
    stand.clearTransformParam()
    stand.dummyDataParam = dummy
    return stand
  }

  /// Crops and subtracted means tell of colour images.
  private static func extents(_ layer: LayerParameter) -> [Int] {
    let transform = layer.transformParam
    guard transform.cropSize > 0 else {
      return transform.hasMeanFile ? [3, 32, 32] : recordExtents
    }
    return [3, transform.cropSize, transform.cropSize]
  }
}
