import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// Whole training runs of BVLC Caffe 1.0 (commit 9b89154; CPU, float32, OpenBLAS): the loss after every
/// iteration, the weights and the test scores at the end, and runs resumed from its snapshots.
@Suite struct SolverGoldenTests {
  /// Twenty iterations let rounding grow; the reference's README asks for this agreement.
  static let tolerance: Float = 1e-4

  /// Ways to run the same net.
  enum Way: String, CaseIterable {
    case separate = "layer by layer"
    case fused = "fused"
    /// As `train` does.
    case reusingMemory = "fused, reusing memory"
    case caffe = "on CAFFE"
  }

  @Test(arguments: ["init.caffemodel", "init.caffemodel.h5"], Way.allCases)
  func runsAgreeWithCaffe(from weights: String, _ way: Way) throws {
    let file = try GoldenFile("solvers.h5")
    var tally = GoldenTally("solvers.h5 from \(weights), \(way.rawValue)")
    for name in try file.names(in: "") {
      tally.run(name) {
        let text = try file.text("solver", of: name)
        let solver = try Solver(
          SolverParameter(text: text, file: name), engine: way == .caffe ? .caffe : nil,
          fusingLayers: way != .separate, reusingMemory: way == .reusingMemory,
          folder: Goldens.path("solver"))
        try solver.loadWeights([Goldens.path("solver/\(weights)")])
        try compareRun(solver, with: file, losses: "\(name)/loss", weights: "\(name)/w")
        try compareTest(solver, with: file, name: name)
      }
    }
    print(tally.line)
    #expect(tally.isComplete, "\(tally.line)")
  }

  @Test func snapshotsOfCaffeAreResumed() throws {
    let folder = Goldens.path("solver")
    let suffix = ".solver.prototxt"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    var tally = GoldenTally("solver/resume-*")
    for file in files where file.hasSuffix(suffix) {
      let name = String(file.dropLast(suffix.count))
      tally.run(name) {
        let states = files.filter { $0.hasPrefix("\(name)_iter_") && $0.contains(".solverstate") }
        guard let state = states.first else { throw Mismatch("there is no solver state") }
        let solver = try Solver(
          SolverParameter(contentsOfTextFile: "\(folder)/\(file)"),
          resuming: "\(folder)/\(state)", folder: folder)
        let expected = try GoldenFile("solver/\(name).expected.h5")
        let losses = try expected.names(in: "").filter { $0.hasPrefix("loss") }
        try compareRun(solver, with: expected, losses: losses.first ?? "loss", weights: "w")
      }
    }
    print(tally.line)
    #expect(tally.isComplete, "\(tally.line)")
  }

  private func compareRun(
    _ solver: Solver, with file: GoldenFile, losses: String, weights: String
  ) throws {
    let expected = try file.values(losses)
    var actual: [Float] = []
    for _ in expected {
      try solver.trainOnce()
      actual += solver.net.blob("loss")?.data.values ?? []
    }
    try Closeness.check(actual, expected, losses, tolerance: Self.tolerance)
    for array in try file.arrays(weights) {
      guard let index = Int(array.index),
        let parameters = solver.net.layer(array.owner)?.parameters,
        parameters.indices.contains(index)
      else { throw Mismatch("the net has no parameter \(array.owner)/\(array.index)") }
      try Closeness.check(
        parameters[index].data.values, array.values, "w/\(array.owner)/\(array.index)",
        tolerance: Self.tolerance)
    }
  }

  private func compareTest(_ solver: Solver, with file: GoldenFile, name: String) throws {
    let net = try #require(solver.testNets.first)
    let score = try #require(try solver.test(0))
    let values = Dictionary(
      zip(net.outputLines.map(\.blob.name), score.means)
    ) { first, _ in first }
    for (blob, array) in [("loss", "test_loss"), ("acc", "test_accuracy")] {
      try Closeness.check(
        [try #require(values[blob])], file.values("\(name)/\(array)"), array,
        tolerance: Self.tolerance)
    }
  }
}
