import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// The schedules, on both sides of each edge, for base_lr 0.1.
@Suite struct LearningRateTests {
  static let names = "cosine, exp, fixed, inv, multistep, plateau, poly, sigmoid, step"

  private func policy(_ text: String) throws -> LearningRate {
    try LearningRate(SolverParameter(text: "base_lr: 0.1 " + text, file: "s"))
  }

  @Test(
    arguments: [
      ("lr_policy: 'fixed'", [(0, 0.1), (1_000_000, 0.1)]),
      (
        "lr_policy: 'step' gamma: 0.5 stepsize: 10",
        [(0, 0.1), (9, 0.1), (10, 0.05), (19, 0.05), (20, 0.025)]
      ),
      ("lr_policy: 'exp' gamma: 0.5", [(0, 0.1), (1, 0.05), (3, 0.0125)]),
      ("lr_policy: 'inv' gamma: 1 power: 2", [(0, 0.1), (1, 0.025), (9, 0.001)]),
      (
        "lr_policy: 'multistep' gamma: 0.1 stepvalue: 5 stepvalue: 8",
        [(4, 0.1), (5, 0.01), (7, 0.01), (8, 0.001), (1000, 0.001)]
      ),
      // Caffe takes one step an iteration at most.
      (
        "lr_policy: 'multistep' gamma: 0.1 stepvalue: 5 stepvalue: 5",
        [(4, 0.1), (5, 0.01), (6, 0.001)]
      ),
      ("lr_policy: 'multistep' gamma: 0.1", [(0, 0.1), (99, 0.1)]),
      (
        "lr_policy: 'poly' power: 2 max_iter: 10",
        [(0, 0.1), (5, 0.025), (9, 0.001), (10, 0), (11, 0)]
      ),
      (
        "lr_policy: 'sigmoid' gamma: 1 stepsize: 10",
        [(10, 0.05), (9, 0.026894142), (11, 0.073105858)]
      ),
      (
        "lr_policy: 'cosine' max_iter: 8",
        [(0, 0.1), (2, 0.0853553391), (4, 0.05), (8, 0), (9, 0)]
      ),
      // What BVLC Caffe 1.0.0 (Debian 11's package) logs: gamma and power are 0 unless they are set.
      ("lr_policy: 'step' stepsize: 2", [(0, 0.1), (1, 0.1), (2, 0), (5, 0)]),
      ("lr_policy: 'exp'", [(0, 0.1), (1, 0), (5, 0)]),
      ("lr_policy: 'inv'", [(0, 0.1), (5, 0.1)]),
      ("lr_policy: 'inv' power: 0.75", [(0, 0.1), (5, 0.1)]),
      ("lr_policy: 'inv' gamma: 1", [(0, 0.1), (5, 0.1)]),
      ("lr_policy: 'multistep' stepvalue: 2", [(1, 0.1), (2, 0), (5, 0)]),
      ("lr_policy: 'poly' max_iter: 6", [(0, 0.1), (5, 0.1)]),
      ("lr_policy: 'sigmoid' stepsize: 2", [(0, 0.05), (5, 0.05)]),
      // The floor.
      ("lr_policy: 'exp' gamma: 0.5 min_lr: 0.02", [(2, 0.025), (3, 0.02), (100, 0.02)]),
      ("lr_policy: 'cosine' max_iter: 8 min_lr: 0.02", [(0, 0.1), (4, 0.06), (8, 0.02)]),
      (
        "lr_policy: 'poly' power: 2 max_iter: 10 min_lr: 0.02",
        [(0, 0.1), (5, 0.04), (10, 0.02), (11, 0.02)]
      ),
      // The warm-up: policies count their iterations from 0 all the same, but a cosine begins after it.
      (
        "lr_policy: 'step' gamma: 0.5 stepsize: 6 warmup_iter: 4 warmup_start_lr: 0.02",
        [(0, 0.02), (1, 0.04), (3, 0.08), (4, 0.1), (5, 0.1), (6, 0.05)]
      ),
      ("lr_policy: 'fixed' warmup_iter: 4", [(0, 0), (1, 0.025), (4, 0.1)]),
      ("lr_policy: 'fixed' warmup_iter: 4 min_lr: 0.05", [(0, 0), (1, 0.025), (4, 0.1)]),
      (
        "lr_policy: 'fixed' rampup_interval: 4 rampup_lr: 0.02",
        [(0, 0.02), (1, 0.025), (2, 0.04), (4, 0.1)]
      ),
      (
        "lr_policy: 'cosine' max_iter: 12 warmup_iter: 4",
        [(3, 0.075), (4, 0.1), (6, 0.0853553391), (8, 0.05), (12, 0)]
      ),
    ] as [(String, [(Int, Double)])])
  func rates(text: String, points: [(Int, Double)]) throws {
    let policy = try policy(text)
    for (iteration, expected) in points {
      // Half a unit in the last place of a float.
      #expect(abs(Double(policy.rate(at: iteration)) - expected) <= 1e-7 * expected, "\(iteration)")
    }
  }

  /// What BVLC Caffe 1.0.0 writes to a state as `current_step`, for the last iteration's rate.
  @Test func stepsAreCounted() throws {
    let step = try policy("lr_policy: 'step' gamma: 0.5 stepsize: 3")
    #expect([0, 2, 3, 10].map(step.step) == [0, 0, 1, 3])
    let multistep = try policy("lr_policy: 'multistep' stepvalue: 0 stepvalue: 4")
    #expect([-1, 0, 3, 4].map(multistep.step) == [0, 1, 1, 2])
    #expect(try policy("lr_policy: 'exp'").step(at: 9) == 0)
  }

  /// A run of no iterations needs no rate.
  @Test func aRunMayHaveNoIterations() throws {
    _ = try policy("lr_policy: 'poly' max_iter: 0")
    _ = try policy("lr_policy: 'cosine' max_iter: 0")
  }

  @Test func plateauFollowsItsSteps() throws {
    let policy = try policy("lr_policy: 'plateau' gamma: 0.5 plateau_winsize: 3 min_lr: 0.03")
    #expect([0, 1, 2].map { policy.rate(at: 7, plateauSteps: $0) } == [0.1, 0.05, 0.03])
  }

  /// Three iterations without a lower loss bring the first step, two more the second and last.
  //  iteration  0  1  2  3  4  5  6  7  8  9  …
  //  loss       5  4  4  4  3  3  3  3  3  3  …
  //  event      ↓  ↓        ↓        1     2
  @Test func plateauStepsWhenTheLossStays() {
    var run = RunState()
    let losses: [Float] = [5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, .nan, 3]
    let steps = losses.enumerated().filter { run.observe(loss: $1, at: $0, windows: [3, 2]) }
    #expect(steps.map(\.offset) == [7, 9])
    #expect(run.plateauStep == 2 && run.plateauLoss == 3)
  }

  @Test(arguments: [
    ("lr_policy: 'step' gamma: 1", "lr_policy \"step\" needs stepsize, which is not set"),
    ("lr_policy: 'step' gamma: 1 stepsize: 0", "stepsize must be positive, got 0"),
    ("lr_policy: 'exp' gamma: -1", "gamma must not be negative, got -1.0"),
    ("lr_policy: 'poly' power: 1", "lr_policy \"poly\" needs max_iter, which is not set"),
    ("lr_policy: 'sigmoid' gamma: 1", "lr_policy \"sigmoid\" needs stepsize, which is not set"),
    ("lr_policy: 'cosine'", "lr_policy \"cosine\" needs max_iter, which is not set"),
    (
      "lr_policy: 'cosine' max_iter: 5 warmup_iter: 5",
      "lr_policy \"cosine\" needs a warm-up shorter than the run of 5 iterations, got 5"
    ),
    (
      "lr_policy: 'plateau' gamma: 1",
      "lr_policy \"plateau\" needs plateau_winsize, which is not set"
    ),
    (
      "lr_policy: 'plateau' plateau_winsize: 1",
      "lr_policy \"plateau\" needs gamma, which is not set"
    ),
    (
      "lr_policy: 'plateau' gamma: 1 plateau_winsize: 0", "plateau_winsize must be positive, got 0"
    ),
    (
      "lr_policy: 'fixed' warmup_start_lr: 0.1",
      "warmup_start_lr needs warmup_iter, which is not set"
    ),
    ("lr_policy: 'fixed' warmup_iter: -1", "warmup_iter must not be negative, got -1"),
    (
      "lr_policy: 'fixed' warmup_iter: 1 warmup_start_lr: -1",
      "warmup_start_lr must not be negative, got -1"
    ),
    (
      "lr_policy: 'fixed' warmup_iter: 1 rampup_interval: 1",
      "warmup_iter and rampup_interval both ask for a warm-up; set only one of them"
    ),
    ("lr_policy: 'fixed' min_lr: 0.2", "min_lr must be between 0 and base_lr (0.1), got 0.2"),
    ("lr_policy: 'stpe'", "Unknown learning rate policy: stpe; did you mean \"step\"?"),
    (
      "lr_policy: 'quux'",
      "Unknown learning rate policy: quux (known: \(Self.names))"
    ),
    (
      "",
      "lr_policy is not set (known: \(Self.names))"
    ),
  ])
  func mistakesAreNamed(text: String, message: String) {
    #expect(refusal { _ = try policy(text) } == message)
  }
}
