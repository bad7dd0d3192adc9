import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// A net whose blobs take turns with memory learns the same, and needs less of it.
struct MemoryReuseTests {
  static let text = """
    base_lr: 0.05 momentum: 0.9 lr_policy: "fixed" max_iter: 5 random_seed: 2
    snapshot_after_train: false
    net_param {
      layer { name: "in" type: "DummyData" top: "x" top: "t" dummy_data_param {
        shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 }
        data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
      layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
      layer { name: "bn" type: "BatchNorm" bottom: "c" top: "b" }
      layer { name: "scale" type: "Scale" bottom: "b" top: "b" scale_param { bias_term: true } }
      layer { name: "tanh" type: "TanH" bottom: "b" top: "h" }
      layer { name: "twice" type: "Eltwise" bottom: "h" bottom: "b" top: "e" }
      layer { name: "flat" type: "Flatten" bottom: "e" top: "f" }
      layer { name: "drop" type: "Dropout" bottom: "f" top: "f" }
      layer { name: "ip" type: "InnerProduct" bottom: "f" top: "s"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
      layer { name: "side" type: "Power" bottom: "s" top: "seen" power_param { scale: 2 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "l" top: "p" }
    }
    """

  private func solver(reusingMemory: Bool, _ more: String = "") throws -> Solver {
    try Solver(
      SolverParameter(text: more + Self.text, file: "solver.prototxt"),
      reusingMemory: reusingMemory)
  }

  @Test func learnsTheSame() throws {
    let (reusing, plain) = (try solver(reusingMemory: true), try solver(reusingMemory: false))
    for solver in [reusing, plain] { try solver.solve() }
    #expect(reusing.net.store.data.values == plain.net.store.data.values)
    // Outputs stay to be seen, blobs within do not.
    for name in ["l", "p", "seen"] {
      let values = try #require(reusing.net.blob(name)?.data.values)
      #expect(values == plain.net.blob(name)?.data.values && values.contains { $0 != 0 }, "\(name)")
    }
    for name in ["c", "h", "e"] {
      #expect(reusing.net.blob(name)?.data.values.allSatisfy { $0 == 0 } == true, "\(name)")
      #expect(plain.net.blob(name)?.diff.values.contains { $0 != 0 } == true, "\(name)")
    }
  }

  @Test func leavesEverythingToBeSeenUnderDebugInfo() throws {
    let solver = try solver(reusingMemory: true, "debug_info: true ")
    try solver.solve()
    #expect(solver.net.blob("c")?.data.values.contains { $0 != 0 } == true)
  }

  /// The blob that diverged has given up its values when the loss is looked at.
  @Test(arguments: [true, false]) func namesTheBlobThatDiverged(reusingMemory: Bool) throws {
    let solver = try solver(reusingMemory: reusingMemory, "average_loss: 1 ")
    let weights = try #require(solver.net.parameters.first { $0.layer == "ip" })
    weights.blob.data.values = Array(repeating: 3e38, count: weights.blob.count)
    let error = #expect(throws: CaffeError.self) { try solver.solve() }
    #expect(
      error?.message.contains("blob 's' of layer 'ip' is the first that is not finite") == true,
      "\(String(describing: error))")
  }
}
