import CaffeErrors
import CaffeInspect
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// Records of a run, the logs they make, and the curves that are read from logs.
@Suite struct RunTests {
  static let caffeLog = """
    Log file created at: 2017/12/31 23:59:50
    I1231 23:59:50.000000 25210 solver.cpp:44] Initializing solver from parameters:
    I1231 23:59:58.000000 25210 solver.cpp:279] Solving LeNet
    I1231 23:59:58.500000 25210 solver.cpp:337] Iteration 0, Testing net (#0)
    I1231 23:59:59.000000 25210 solver.cpp:404]     Test net output #0: accuracy = 0.0933
    I1231 23:59:59.000000 25210 solver.cpp:404]     Test net output #1: loss = 2.36 (* 1 = 2.36 loss)
    I0101 00:00:00.000000 25210 solver.cpp:228] Iteration 0 (0 iter/s, 2s/100 iters), loss = 2.4
    I0101 00:00:00.000000 25210 solver.cpp:244]     Train net output #0: loss = 2.4 (* 1 = 2.4 loss)
    I0101 00:00:00.000000 25210 sgd_solver.cpp:106] Iteration 0, lr = 0.01
    I0101 00:00:03.250000 25210 solver.cpp:228] Iteration 100 (44 iter/s, 2.2s/100 iters), loss = 1e-05
    I0101 00:00:03.250000 25210 solver.cpp:244]     Train net output #0: loss = 1e-05 (* 1 = 1e-05 loss)
    I0101 00:00:03.250000 25210 sgd_solver.cpp:106] Iteration 100, lr = 0.005

    """

  @Test func aLogOfCaffeBecomesTables() throws {
    let folder = try TemporaryFolder()
    try folder.write("caffe.log", Self.caffeLog)
    let history = try RunHistory(contentsOf: folder("caffe.log"))
    #expect(
      RunHistory.csv(history.test) == """
        NumIters,Seconds,LearningRate,accuracy,loss
        0,1.0,0.01,0.0933,2.36

        """)
    // The rate of an iteration is told after its outputs, as in Caffe's own tables.
    #expect(
      RunHistory.csv(history.train, delimiter: ";") == """
        NumIters;Seconds;LearningRate;loss
        0;2.0;0.01;2.4
        100;5.25;0.01;1e-05

        """)
  }

  @Test func severalValuesOfAnOutputAreNumbered() {
    let row = RunHistory.Row(
      iteration: 5, seconds: nil, learningRate: nil,
      outputs: [("a", 1), ("b", 2), ("a", 3)])
    #expect(RunHistory.csv([row]) == "NumIters,Seconds,LearningRate,a[0],b,a[1]\n5,,,1.0,2.0,3.0\n")
    #expect(RunHistory.csv([]) == "")
  }

  private func solver(_ folder: TemporaryFolder, _ fields: String) throws -> Solver {
    try SmallData.writeIDX(to: folder)
    let text = """
      net_param {
        name: "tiny"
        layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "\(folder("images.idx"))" batch_size: 8 backend: IDX } transform_param { scale: 0.004 } }
        layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
        layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" top: "each" include { phase: TEST } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      }
      base_lr: 0.1 lr_policy: "fixed" random_seed: 1 iter_size: 2
      snapshot_prefix: "\(folder.path)/s" snapshot_after_train: false \(fields)
      """
    return try Solver(SolverParameter(text: text, file: "solver.prototxt"))
  }

  private func records(_ folder: TemporaryFolder, _ name: String) throws -> [RunRecord] {
    try String(decoding: folder.read(name), as: UTF8.self).split(separator: "\n").map {
      try JSONLine.decoder.decode(RunRecord.self, from: Data($0.utf8))
    }
  }

  @Test func recordsTellWhatTheRunDid() throws {
    let folder = try TemporaryFolder()
    let solver = try solver(
      folder, "max_iter: 4 display: 2 test_iter: 5 test_interval: 2 snapshot: 3")
    var losses: [Float] = []
    let meter = try RunMeter(
      solver,
      sinks: [JSONLog(folder("run.json"), continuing: false), Collector { losses.append($0) }])
    solver.observer = meter
    try solver.solve()
    let records = try records(folder, "run.json")
    let kinds = records.map { record -> String in
      switch record {
      case .start(let start): "start of \(start.net) to \(start.maxIter) by \(start.batch)"
      case .train(let train): "train \(train.iteration) \(train.outputs.keys.sorted())"
      case .test(let test):
        "test \(test.iteration) \(test.outputs["each"]?.values.count ?? 0) classes"
      case .snapshot(let snapshot): "snapshot \(snapshot.iteration)"
      }
    }
    #expect(
      kinds == [
        "start of tiny to 4 by 16", "test 0 3 classes", "train 0 [\"loss\"]", "test 2 3 classes",
        "train 2 [\"loss\"]", "snapshot 3", "test 4 3 classes",
      ])
    #expect(losses.count == 4)
    guard case .train(let last) = records[4] else { return }
    #expect(last.loss == Double(losses[2]) && last.lr == Double(Float(0.1)))
    // Images of idx files are prepared by a thread of their own, which the net may have to wait for.
    #expect((0...1).contains(last.dataWait ?? -1) && last.dataWaitMs ?? -1 >= 0, "\(last)")
    #expect(last.imagesPerSecond ?? 0 > 0 && last.peakMb > 0 && last.seconds > 0)
    let history = try RunHistory(contentsOf: folder("run.json"))
    #expect(history.train.map(\.iteration) == [0, 2] && history.test.count == 3)
    #expect(
      RunHistory.columns(of: history.test[0]) == [
        "accuracy", "each[0]", "each[1]", "each[2]", "loss",
      ])
  }

  /// A run killed in the middle of a line goes on from iteration 2.
  @Test func aResumedRunContinuesItsFile() throws {
    func train(_ iteration: Int, _ loss: String) -> String {
      #"{"kind":"train","iteration":\#(iteration),"loss":\#(loss),"outputs":{"loss":\#(loss)},"lr":0.1,"seconds":1,"peak_mb":1}"#
    }
    func start(_ iteration: Int) -> String {
      #"{"kind":"start","net":"n","iteration":\#(iteration),"max_iter":9,"batch":1,"type":"SGD","seed":1}"#
    }
    let folder = try TemporaryFolder()
    let first = [start(0), train(0, "5"), train(2, "4"), train(4, "\"nan\"")]
    let second = [start(2), train(2, "3"), train(4, "2")]
    try folder.write("run.json", (first + second).joined(separator: "\n") + "\n{\"kind\":\"tr")
    let history = try RunHistory(contentsOf: folder("run.json"))
    #expect(history.train.map { $0.outputs.map(\.value) } == [[5], [3], [2]])
    try folder.write("broken.json", "{\"kind\":\"tr\n" + first[0])
    #expect(
      refusal { _ = try RunHistory(contentsOf: folder("broken.json")) }
        .hasSuffix("line 1: this is no line of --log-json"))
    try folder.write("empty.log", "hello\n")
    #expect(
      refusal { _ = try RunHistory(contentsOf: folder("empty.log")) }.contains(
        "no iterations in it"))
  }

  private func read<Content: Decodable>(_ json: String) throws -> Content {
    try JSONLine.decoder.decode(Content.self, from: Data(json.utf8))
  }

  @Test func theLiveLineTellsTheState() throws {
    var status = LiveStatus(
      try read(
        #"{"net":"n","iteration":100,"max_iter":1100,"batch":64,"type":"SGD","seed":1}"#))
    for loss in [4, 3, 2, 1, Float.nan] { status.add(loss: loss) }
    func line(_ style: TerminalStyle) -> String {
      status.line(iteration: 200, loss: 0.123456, learningRate: 0.01, seconds: 10, style: style)
    }
    let plain = TerminalStyle(isTerminal: false, environment: [:])
    #expect(
      line(plain) == "200 of 1100 · loss 0.1235 █▆▃▁  · lr 0.01 · 640 images/s · 1 min 30 s left")
    status.add(
      try read(
        #"{"iteration":100,"net":0,"loss":1,"outputs":{"accuracy":0.9,"each":[1,2]},"seconds":1}"#)
        as RunRecord.Test)
    #expect(line(plain).contains(" · test accuracy 0.9 · lr"))
    status.add(
      try read(
        #"{"iteration":100,"loss":1,"outputs":{},"lr":1,"seconds":1,"peak_mb":1,"data_wait":0.256}"#
      )
        as RunRecord.Train)
    #expect(line(plain).contains(" images/s · 26 % waiting for data · "))
    let colour = TerminalStyle(isTerminal: true, environment: [:])
    #expect(line(colour).contains("\u{1B}[1m0.1235\u{1B}[0m"))
    for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
      #expect(line(TerminalStyle(isTerminal: true, environment: environment)) == line(plain))
    }
    #expect(line(TerminalStyle(isTerminal: true, environment: ["NO_COLOR": ""])) == line(colour))
  }

  @Test(arguments: [
    (0, "0 s"), (0.2, "1 s"), (59, "59 s"), (60, "1 min"), (3599.5, "1 h"), (18720, "5 h 12 min"),
    (183_600, "2 d 3 h"),
  ])
  func durationsRead(seconds: Double, text: String) {
    #expect(LiveStatus.duration(seconds) == text)
  }
}

/// Hands on the loss of every iteration.
private final class Collector: RunSink {
  private let collect: (Float) -> Void

  init(_ collect: @escaping (Float) -> Void) { self.collect = collect }

  func receive(_ record: RunRecord) throws {}
  func observe(_ iteration: TrainingMoment, of solver: Solver) throws { collect(iteration.loss) }
}
