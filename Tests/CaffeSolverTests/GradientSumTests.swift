import CaffeCore
import CaffeSchema
import CaffeSolver
import Testing

/// The first gradient of a parameter may overwrite, all others must add: those of layers that share it
/// and those of the passes of an `iter_size`.
struct GradientSumTests {
  private func learned(_ engine: Engine) throws -> [Float] {
    let product = """
      param { name: "w" } param { name: "b" }
      inner_product_param { num_output: 24 weight_filler { type: "xavier" } }
      """
    let convolution = """
      param { name: "cw" } param { name: "cb" } convolution_param {
        num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } }
      """
    let solver = try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 3 iter_size: 2 random_seed: 5
          snapshot_after_train: false
          net_param {
            layer { name: "in" type: "DummyData" top: "x" top: "t" dummy_data_param {
              shape { dim: 4 dim: 2 dim: 3 dim: 4 } shape { dim: 4 }
              data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
            layer { name: "c1" type: "Convolution" bottom: "x" top: "c1" \(convolution) }
            layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2" \(convolution) }
            layer { name: "flat" type: "Flatten" bottom: "c2" top: "f" }
            layer { name: "p1" type: "InnerProduct" bottom: "f" top: "p1" \(product) }
            layer { name: "p2" type: "InnerProduct" bottom: "p1" top: "p2" \(product) }
            layer { name: "loss" type: "SoftmaxWithLoss" bottom: "p2" bottom: "t" top: "l" }
          }
          """, file: "solver.prototxt"), engine: engine)
    try solver.solve()
    return solver.net.store.data.values
  }

  @Test func enginesAddUpTheSame() throws {
    let (found, expected) = (try learned(.oneDNN), try learned(.caffe))
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 })
  }
}
