import CaffeData
import CaffeErrors
import CaffeInspect
import CaffeSchema
import CaffeTestSupport

extension FileFormat {
  /// What people write, and logs.
  static let texts = [
    prototxt("net", NetParameter.self, try netSeeds()) { _ = try $0.upgraded(file: $1) },
    prototxt("solver", SolverParameter.self, try solverSeeds()) { _ = try $0.upgraded(file: $1) },
    FileFormat(
      "image-list", file: "list.txt", seeds: [Array("a b.jpg 3\n\n c.png -7x\r\n".utf8)]
    ) {
      _ = try? ImageList($0, labelsEach: 2)
      _ = try ImageList($0)
    },
    FileFormat("windows", file: "windows.txt", seeds: [windows]) { _ = try WindowFile($0) },
    FileFormat("log", file: "train.log", seeds: [caffeLog, jsonLog]) {
      _ = try RunHistory(contentsOf: $0)
    },
  ]

  /// A text of messages. What can be read must be written so that it can be read again.
  private static func prototxt<Content: Message>(
    _ name: String, _ type: Content.Type,
    _ seeds: @autoclosure @escaping @Sendable () throws -> [[UInt8]],
    upgrade: @escaping @Sendable (Content, String) throws -> Void
  ) -> FileFormat {
    FileFormat(name, file: "x.prototxt", seeds: try seeds()) { path in
      // As `check` reads, past the first mistake.
      var mistakes: [CaffeError] = []
      _ = try? Content(contentsOfTextFile: path, mistakes: &mistakes)
      let message = try Content(contentsOfTextFile: path)
      let again = try Content(text: message.text(), file: "written")
      guard again.text() == message.text() else {
        throw Scratch.Failure("reads otherwise when written: \(message.text())")
      }
      try upgrade(message, path)
    }
  }

  private static func netSeeds() throws -> [[UInt8]] {
    try files("prototxt/lenet/lenet_train_test.prototxt", "Tests/Goldens/solver/net.prototxt")
  }

  private static func solverSeeds() throws -> [[UInt8]] {
    try files(
      "prototxt/lenet/lenet_solver.prototxt",
      "Tests/Goldens/solver/resume-adam-hdf5.solver.prototxt")
  }

  private static let windows = Array(
    """
    # 0
    a.jpg
    3 375 500
    2
    9 0.71 262 210 323 338
    0 0.12 1 1 50 60
    # 1
    b.jpg 3 1 1 0

    """.utf8)

  private static let caffeLog = Array(
    """
    I1231 23:59:58.000000 25210 solver.cpp:279] Solving LeNet
    I1231 23:59:58.500000 25210 solver.cpp:337] Iteration 0, Testing net (#0)
    I1231 23:59:59.000000 25210 solver.cpp:404]     Test net output #0: accuracy = 0.0933
    I0101 00:00:00.000000 25210 solver.cpp:228] Iteration 0 (0 iter/s, 2s/100 iters), loss = 2.4
    I0101 00:00:00.000000 25210 solver.cpp:244]     Train net output #0: loss = 2.4 (* 1 = 2.4 loss)
    I0101 00:00:00.000000 25210 sgd_solver.cpp:106] Iteration 0, lr = 0.01

    """.utf8)

  private static let jsonLog = Array(
    """
    {"batch":64,"iteration":0,"kind":"start","max_iter":600,"net":"LeNet","seed":1,"type":"SGD"}
    {"iteration":20,"kind":"train","loss":1.64,"lr":0.1,"outputs":{"loss":1.64},"peak_mb":166,"seconds":2.16}
    {"iteration":100,"kind":"test","loss":0.78,"net":0,"outputs":{"accuracy":[0.7,1]},"seconds":10.4}
    {"iteration":300,"kind":"snapshot","path":"lenet_iter_300.caffemodel.h5","seconds":30.1}

    """.utf8)
}
