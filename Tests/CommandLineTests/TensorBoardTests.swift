import CaffeTestSupport
import Foundation
import Testing

/// What the `tensorboard` package reads of our event files. `TENSORBOARD_PYTHON` names a Python that
/// has the package; without it /opt/tbvenv/bin/python is tried.
@Suite struct TensorBoardTests {
  private static let python =
    ProcessInfo.processInfo.environment["TENSORBOARD_PYTHON"] ?? "/opt/tbvenv/bin/python"

  private struct Events: Decodable {
    struct Histogram: Decodable {
      let step: Int
      let num: Double
      let sum: Double
      let buckets: Double
    }
    struct Picture: Decodable {
      let step: Int
      let size: [Int]
    }
    enum Node: Decodable, Equatable {
      case node(String, [String])
      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        self = .node(try list.decode(String.self), try list.decode([String].self))
      }
    }
    let scalars: [String: [[Double]]]
    let histograms: [String: [Histogram]]
    let images: [String: [Picture]]
    let graph: [String: Node]
  }

  private func events(_ folder: String) throws -> Events {
    let data = try Process.output(
      of: URL(fileURLWithPath: Self.python),
      [PackageFolder.path("Tests/Python/read_events.py"), folder])
    return try JSONDecoder().decode(Events.self, from: data)
  }

  @Test func tensorBoardReadsARun() throws {
    guard FileManager.default.isExecutableFile(atPath: Self.python) else {
      print("skipped: there is no \(Self.python) with the package tensorboard (TENSORBOARD_PYTHON)")
      return
    }
    let shop = try Workshop(solver: "max_iter: 4 display: 2 test_iter: 5 test_interval: 2")
    let run = try shop.run(
      "train", "--solver", "solver.prototxt", "--tensorboard", "events", "--histogram-interval",
      "2",
      "--log-json", "run.json")
    #expect(run.status == 0 && run.complaints.isEmpty, "\(run)")
    let events = try events(shop.folder("events"))
    #expect(
      Set(events.scalars.keys) == [
        "train/smoothed_loss", "train/loss", "lr", "speed/images_per_second", "speed/data_wait",
        "memory/peak_mb",
        "test/loss", "test/accuracy",
      ])
    #expect(events.scalars["train/loss"]?.map { $0[0] } == [0, 2])
    #expect(events.scalars["test/accuracy"]?.map { $0[0] } == [0, 2, 4])
    let json = String(decoding: try shop.folder.read("run.json"), as: UTF8.self)
    let first = try #require(json.firstMatch(of: /"kind":"train","loss":([0-9.]+)/)?.1)
    #expect(events.scalars["train/smoothed_loss"]?.first == [0, try #require(Double(first))])
    let counts: [String: Double] = [
      "weights/conv/0": 36, "gradients/conv/0": 36, "weights/ip/1": 3,
      "activations/data/data": 7 * 25, "activations/conv/conv": 7 * 36,
    ]
    for (tag, count) in counts {
      let histograms = try #require(events.histograms[tag], "\(tag) of \(events.histograms.keys)")
      #expect(histograms.map(\.step) == [0, 2], "\(tag)")
      #expect(histograms.allSatisfy { $0.num == count && $0.buckets == count }, "\(tag)")
      #expect(histograms.contains { $0.sum != 0 }, "\(tag) is all zeros")
    }
    #expect(events.images["filters/conv"]?.first?.size == [4 * 41 + 2, 43])
    #expect(events.images["inputs/data"]?.map(\.step) == [0, 2])
    #expect(events.graph["conv"] == .node("Convolution", ["data"]))
    #expect(events.graph["loss"] == .node("SoftmaxWithLoss", ["ip", "data:1"]))
  }
}
