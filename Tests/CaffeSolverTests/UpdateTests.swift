import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// Updates small enough to work out on paper: y = w·x with the objective Σ y.
///
/// x = (1, 2) in every pass, so the gradient of w is (1, 2) and that of the bias 1; w = (0.5, −0.5),
/// b = 0.25 at first; base_lr 0.1.
@Suite struct UpdateTests {
  private func solver(_ fields: String, parameters: String = "") throws -> Solver {
    try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 \(fields.contains("lr_policy") ? "" : "lr_policy: 'fixed'") \(fields) net_param {
            layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 2 } data_filler { value: 1 } } }
            layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' loss_weight: 1 \(parameters) inner_product_param { num_output: 1 } }
          }
          """, file: "solver"))
  }

  /// Runs `steps` updates, with gradients set by hand to (1, 2) and 1.
  private func run(_ solver: Solver, steps: Int) throws -> [Float] {
    let parameters = solver.net.parameters.map(\.blob)
    parameters[0].data.values = [0.5, -0.5]
    parameters[1].data.values = [0.25]
    solver.net.clearGradients()
    for _ in 0..<steps {
      for _ in 0..<solver.parameter.iterSize {
        parameters[0].diff.values = zip(parameters[0].diff.values, [1, 2]).map(+)
        parameters[1].diff.values = zip(parameters[1].diff.values, [1]).map(+)
      }
      solver.applyUpdate()
    }
    #expect(solver.iteration == steps)
    #expect(parameters.allSatisfy { $0.diff.values.allSatisfy { $0 == 0 } })
    return parameters.flatMap(\.data.values)
  }

  @Test(
    arguments: [
      // w − 0.1·g
      ("", "", 1, [0.4, -0.7, 0.15]),
      // Momentum 0.5: steps 0.1·g and 0.15·g.
      ("momentum: 0.5", "", 2, [0.25, -1, 0]),
      // Nesterov: h₁ = 0.1·g, step 1.5·h₁ = 0.15·g.
      ("momentum: 0.5 type: 'Nesterov'", "", 1, [0.35, -0.8, 0.1]),
      // L2: g + 0.2·w = (1.1, 1.9, 1.05).
      ("weight_decay: 0.2", "", 1, [0.39, -0.69, 0.145]),
      // L1: g + 0.2·sign w = (1.2, 1.8, 1.2).
      ("weight_decay: 0.2 regularization_type: 'L1'", "", 1, [0.38, -0.68, 0.13]),
      // Multipliers: w twice as fast, b without decay.
      (
        "weight_decay: 0.2", "param { lr_mult: 2 } param { decay_mult: 0 }", 1,
        [0.28, -0.88, 0.15]
      ),
      (
        "weight_decay: 0.2", "param { lr_mult: 0 decay_mult: 5 } param { lr_mult: 0 }", 3,
        [0.5, -0.5, 0.25]
      ),
      // iter_size: the mean of three passes; decay counts once.
      ("iter_size: 3", "", 1, [0.4, -0.7, 0.15]),
      ("iter_size: 3 weight_decay: 0.2", "", 1, [0.39, -0.69, 0.145]),
      // Clipping: |g| = √6; to √6/2 halves it, a larger bound leaves it.
      ("clip_gradients: 1.2247449", "", 1, [0.45, -0.6, 0.2]),
      ("clip_gradients: 2.5", "", 1, [0.4, -0.7, 0.15]),
      // As in Caffe, only a negative bound is none.
      ("clip_gradients: 0", "", 2, [0.5, -0.5, 0.25]),
      ("clip_gradients: 0 weight_decay: 0.2", "", 1, [0.49, -0.49, 0.245]),
      // No decay, no question of which.
      ("regularization_type: 'L3'", "", 1, [0.4, -0.7, 0.15]),
      // Clipping sees the sum of the passes, as in Caffe: 3·√6 is cut to √6, then divided by 3.
      ("clip_gradients: 2.4494897 iter_size: 3", "", 1, [0.46666667, -0.56666667, 0.21666667]),
      // AdamW: what PyTorch 2 gives for betas (0.9, 0.999), eps 0.5, weight_decay 0.2.
      (
        "type: 'AdamW' momentum: 0.9 delta: 0.5 weight_decay: 0.2", "", 3,
        [0.2745694, -0.705828, 0.0392713]
      ),
      (
        "type: 'AdamW' momentum: 0.9 delta: 0.5 weight_decay: 0.2", "", 1,
        [0.4233333, -0.57, 0.1783333]
      ),
      // LARS: λ = 0.1·√½ / √5 and 0.1·¼ / 1.
      ("type: 'LARS' local_gw_ratio: 0.1", "", 1, [0.49683772, -0.50632456, 0.2475]),
      ("local_lr_auto: true local_gw_ratio: 0.1", "", 1, [0.49683772, -0.50632456, 0.2475]),
      ("larc: true larc_eta: 0.1", "", 1, [0.49683772, -0.50632456, 0.2475]),
      // The gradient's norm is that of the mean over the passes.
      ("type: 'LARS' local_gw_ratio: 0.1 iter_size: 2", "", 1, [0.49683772, -0.50632456, 0.2475]),
      // lr_mult multiplies λ.
      (
        "type: 'LARS' local_gw_ratio: 0.1", "param { lr_mult: 2 } param { lr_mult: 0 }", 1,
        [0.49367544, -0.51264911, 0.25]
      ),
      // With decay: 0.1·√½ / (√5 + 0.2·√½) on (1.1, 1.9) and 0.025 / 1.05 on 1.05.
      (
        "type: 'LARS' local_gw_ratio: 0.1 weight_decay: 0.2", "", 1,
        [0.49672838, -0.50565098, 0.2475]
      ),
      // Clipped, λ is the rate where it is less than base_lr.
      ("larc: true larc_policy: 'clip' larc_eta: 0.1", "", 1, [0.4683772, -0.5632456, 0.225]),
      ("larc: true larc_policy: 'clip' larc_eta: 10", "", 1, [0.4, -0.7, 0.15]),
      // The rate follows the schedule: 0.1, then 0.05.
      ("lr_policy: 'step' gamma: 0.5 stepsize: 1", "", 2, [0.35, -0.8, 0.1]),
    ] as [(String, String, Int, [Float])])
  func steps(fields: String, parameters: String, count: Int, expected: [Float]) throws {
    let weights = try run(solver(fields, parameters: parameters), steps: count)
    #expect(Closeness.worst(weights, expected) < 1e-6, "\(weights)")
  }

  @Test(arguments: [
    ("type: 'SDG'", "did you mean \"SGD\"?"),
    ("type: 'AdaGrad' momentum: 0.9", "Momentum cannot be used with AdaGrad."),
    ("type: 'Adam' momentum: 1", "momentum must be in 0..<1 with type \"Adam\", got 1"),
    ("type: 'AdamW' momentum2: 1", "momentum2 must be in 0..<1 with type \"AdamW\", got 1"),
    (
      "local_lr_auto: true larc: true",
      "local_lr_auto and larc mean the same; set only one of them"
    ),
    ("larc: true larc_policy: 'clap'", "Unknown larc_policy: clap (known: scale, clip)"),
    ("type: 'LARS' local_gw_ratio: 0", "local_gw_ratio must be positive, got 0"),
    ("max_epoch: -1", "max_epoch must not be negative, got -1"),
    ("snapshot_keep_last: -1", "snapshot_keep_last must not be negative, got -1"),
    (
      "max_epoch: 2",
      "max_epoch needs a layer that knows how many records it has (Data, HDF5Data, ImageData), and the train net has none; set max_iter"
    ),
    (
      "early_stop_patience: 2",
      "early_stop_patience needs a test net; set test_iter and test_interval"
    ),
    (
      "monitor: 'x' test_iter: 1 test_interval: 1",
      "monitor 'x' is not an output of the first test net; did you mean 'y'?"
    ),
    ("snapshot_keep_best: true", "snapshot_keep_best is specified but snapshot_prefix is not"),
    ("type: 'RMSProp' rms_decay: 1", "rms_decay should lie between 0 and 1, got 1"),
    (
      "regularization_type: 'L3' weight_decay: 0.1",
      "Unknown regularization type: L3 (known: L1, L2)"
    ),
    ("iter_size: 0", "iter_size must be at least 1, got 0"),
    ("average_loss: 0", "average_loss must be at least 1, got 0"),
    (
      "test_iter: 1 test_interval: -1",
      "test_interval must be positive when there are test nets, got -1"
    ),
    ("test_iter: 1", "test_interval must be positive when there are test nets, got 0"),
    (
      "test_iter: 1 test_interval: 1 test_state { } test_state { }",
      "test_state must be unspecified or specified once per test net: 2 given, 1 test nets"
    ),
    ("net: 'x'", "more than one of these fields specifying a train net: net, net_param"),
    ("snapshot: 1", "snapshot is specified but snapshot_prefix is not"),
  ])
  func mistakesAreNamed(fields: String, message: String) {
    let refused = refusal { _ = try solver(fields) }
    #expect(refused.hasPrefix("solver: ") && refused.hasSuffix(message), "\(refused)")
  }

  /// What Caffe allows and nobody means is worth a line in the log.
  @Test(arguments: [
    ("base_lr: 1 test_interval: 2 test_iter: 1", []),
    ("test_interval: 0", ["base_lr is not set: the weights will stay as they are"]),
    (
      "base_lr: 1 lr_policy: 'multistep'",
      [
        "lr_policy \"multistep\" takes gamma, which is not set, as 0",
        "lr_policy \"multistep\" has no stepvalue: the learning rate never changes",
      ]
    ),
    (
      "base_lr: 1 lr_policy: 'inv'",
      [
        "lr_policy \"inv\" takes gamma, which is not set, as 0",
        "lr_policy \"inv\" takes power, which is not set, as 0",
      ]
    ),
    (
      "base_lr: 1 clip_gradients: 0 regularization_type: 'none'",
      [
        "clip_gradients: 0 makes every gradient 0; to clip none, leave it out",
        "Unknown regularization type: none: there is no decay",
      ]
    ),
    (
      "base_lr: 1 display: -1 test_iter: 0",
      [
        "display: -1 means the same as 1; to turn it off, leave it out",
        "test_iter: 0 tests nothing with test net (#0)",
      ]
    ),
  ])
  func oversightsAreRemarked(fields: String, remarks: [String]) throws {
    #expect(try SolverChecks.remarks(on: SolverParameter(text: fields, file: "s")) == remarks)
  }

  @Test func aRunMayHaveNoIterations() throws {
    let solver = try solver("max_iter: -3 snapshot_after_train: false")
    #expect(try solver.solve() && solver.iteration == 0)
  }

  @Test func aTrainNetIsNeeded() {
    let refused = refusal {
      _ = try Solver(SolverParameter(text: "lr_policy: 'fixed'", file: "solver"))
    }
    #expect(
      refused
        == "solver: SolverParameter must specify a train net using one of these fields: net, net_param, train_net, train_net_param"
    )
  }

  /// Stages of `test_state` choose what each test net has.
  @Test func testNetsHaveTheirOwnStates() throws {
    let solver = try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 lr_policy: 'fixed' test_iter: 1 test_iter: 2 test_interval: 1
          train_state { stage: 'more' } test_state { stage: 'more' } test_state { level: 3 }
          net_param {
            layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 2 } } }
            layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 1 } }
            layer { name: 'm' type: 'ReLU' bottom: 'a' top: 'm' include { stage: 'more' } }
            layer { name: 'l' type: 'ReLU' bottom: 'a' top: 'l' include { phase: TEST min_level: 3 } }
          }
          """, file: "solver"))
    #expect(
      ([solver.net] + solver.testNets).map { $0.outputs.map(\.blob.name) } == [["m"], ["m"], ["l"]])
    #expect(
      solver.testNets.allSatisfy {
        $0.layer("a")?.parameters[0] === solver.net.layer("a")?.parameters[0]
      })
    #expect(try solver.test(1)?.means == [0])
  }
}
