import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// Which nets a solver trains and tests, and in which states.
@Suite struct SolverNetsTests {
  /// A net in whose outputs one reads the rules that its state met.
  private static func net(_ name: String, state: String = "") -> String {
    let rules = [
      ("train", "phase: TRAIN"), ("test", "phase: TEST"), ("one", "stage: 'one'"),
      ("two", "stage: 'two'"), ("deep", "min_level: 2"), ("own", "stage: 'own'"),
      ("plain", "not_stage: 'one' not_stage: 'two'"),
    ]
    return "name: '\(name)' \(state.isEmpty ? "" : "state { \(state) }")"
      + "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 } } }"
      + rules.map { top, rule in
        " layer { name: '\(top)' type: 'DummyData' top: '\(top)' include { \(rule) } dummy_data_param { shape { dim: 1 } } }"
      }.joined()
  }

  private func make(_ fields: String) throws -> Solver {
    let folder = try TemporaryFolder()
    for name in ["a", "b", "c"] { try folder.write("\(name).prototxt", Self.net(name)) }
    return try Solver(
      SolverParameter(
        text: "base_lr: 0.1 lr_policy: 'fixed' snapshot_after_train: false \(fields)",
        file: "solver"), folder: folder.path)
  }

  private func outline(_ net: Net) -> String {
    "\(net.name): " + net.outputs.map(\.blob.name).filter { $0 != "x" }.joined(separator: " ")
  }

  @Test(arguments: [
    ("net: 'a.prototxt'", ["a: plain train"]),
    ("net_param { \(net("i")) }", ["i: plain train"]),
    ("train_net: 'b.prototxt'", ["b: plain train"]),
    ("train_net_param { \(net("i")) }", ["i: plain train"]),
    // One net, tested in two states.
    (
      "net: 'a.prototxt' test_iter: 1 test_iter: 2 test_interval: 5 test_state { stage: 'one' } test_state { stage: 'two' level: 2 }",
      ["a: plain train", "a: one test", "a: deep test two"]
    ),
    // Inline nets come first, then files, then the train net's.
    (
      "net: 'a.prototxt' test_net: 'b.prototxt' test_net: 'c.prototxt' test_net_param { \(net("i")) } test_iter: [1, 1, 1, 1] test_interval: 5",
      ["a: plain train", "i: plain test", "b: plain test", "c: plain test", "a: plain test"]
    ),
    (
      "train_net: 'a.prototxt' test_net: 'b.prototxt' test_iter: 1 test_interval: 5 train_state { stage: 'one' }",
      ["a: one train", "b: plain test"]
    ),
    // Stages of the net and of the solver add up; a level of the solver replaces the net's.
    (
      "net_param { \(net("i", state: "stage: 'own' level: 2")) } train_state { stage: 'two' level: 1 } test_iter: 1 test_interval: 5",
      ["i: own train two", "i: deep own plain test"]
    ),
  ])
  func netsAndStates(fields: String, expected: [String]) throws {
    let solver = try make(fields)
    #expect(([solver.net] + solver.testNets).map(outline) == expected)
  }

  @Test(arguments: [
    (
      "",
      "SolverParameter must specify a train net using one of these fields: net, net_param, train_net, train_net_param"
    ),
    (
      "net: 'a.prototxt' train_net: 'b.prototxt'",
      "SolverParameter must not contain more than one of these fields specifying a train net: net, train_net"
    ),
    (
      "train_net: 'a.prototxt' test_iter: 1 test_interval: 1",
      "test_iter must be specified for each test network: 1 given, 0 test nets"
    ),
    (
      "net: 'a.prototxt' test_net: 'b.prototxt'",
      "test_iter must be specified for each test network: 0 given, 1 test nets"
    ),
    (
      "net: 'a.prototxt' test_iter: 1",
      "test_interval must be positive when there are test nets, got 0"
    ),
    (
      "net: 'a.prototxt' test_iter: 1 test_interval: 1 test_state { } test_state { }",
      "test_state must be unspecified or specified once per test net: 2 given, 1 test nets"
    ),
  ])
  func mistakesAreNamed(fields: String, message: String) {
    #expect(refusal { _ = try make(fields) } == "solver: " + message)
  }
}
