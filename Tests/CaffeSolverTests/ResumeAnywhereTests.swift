import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// Twenty random moments of a long run with dropout and shuffled, mirrored, randomly cropped images:
/// resumed at any of them, it is the run that was not interrupted, bit for bit.
@Suite struct ResumeAnywhereTests {
  static let steps = 200

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures").path
    let images = ["color.jpg", "gray.jpg", "rgb.png", "palette.png", "gray.png", "rgba.png"]
    // Thirteen images in batches of four: epochs end within batches.
    let lines = (0..<13).map { "\(fixtures)/\(images[$0 % images.count]) \($0 % 3)\n" }
    try folder.write("list.txt", lines.joined())
  }

  private func solver(_ format: String, resuming state: String? = nil) throws -> Solver {
    let parameter = try SolverParameter(
      text: """
        type: 'Nesterov' momentum: 0.9 base_lr: 0.002 weight_decay: 0.001 lr_policy: 'inv' gamma: 0.01 power: 0.7
        random_seed: 7 max_iter: \(Self.steps) average_loss: 9
        snapshot_prefix: 'run' snapshot_format: \(format)
        net_param {
          layer { name: 'd' type: 'ImageData' top: 'data' top: 'label'
            transform_param { scale: 0.01 mirror: true crop_size: 6 mean_value: 100 }
            image_data_param { source: 'list.txt' batch_size: 4 shuffle: true new_height: 9 new_width: 9 } }
          layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv' convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: 'xavier' } } }
          layer { name: 'drop' type: 'Dropout' bottom: 'conv' top: 'conv' }
          layer { name: 'ip' type: 'InnerProduct' bottom: 'conv' top: 'ip' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }
          layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' }
        }
        """, file: "solver")
    return try Solver(parameter, resuming: state, folder: folder.path)
  }

  /// The loss of each iteration up to the end.
  private func finish(_ solver: Solver, pausingAt pauses: Set<Int> = []) throws -> [Float] {
    var losses: [Float] = []
    while solver.iteration < Self.steps {
      try solver.trainOnce()
      losses += try #require(solver.net.blob("loss")).data.values
      if pauses.contains(solver.iteration) { try solver.snapshot() }
    }
    return losses
  }

  private func weights(_ solver: Solver) -> [[Float]] {
    solver.net.parameters.map(\.blob.data.values)
  }

  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func anyMomentWillDo(format: String) throws {
    var random = TestRandom(seed: format == "HDF5" ? 41 : 40)
    let pauses = (1..<Self.steps).shuffled(using: &random).prefix(20)
    let first = try solver(format)
    let losses = try finish(first, pausingAt: Set(pauses))
    // A run in which nothing happens proves nothing.
    #expect(losses.count == Self.steps && Set(losses).count > Self.steps / 2)
    for pause in pauses.sorted() {
      let state = "run_iter_\(pause).solverstate" + (format == "HDF5" ? ".h5" : "")
      let resumed = try solver(format, resuming: folder(state))
      #expect(resumed.iteration == pause)
      #expect(try finish(resumed) == Array(losses[pause...]), "from \(pause)")
      #expect(weights(resumed) == weights(first), "from \(pause)")
    }
  }
}
