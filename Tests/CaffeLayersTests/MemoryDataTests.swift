import CaffeLayers
import CaffeNet
import Testing

struct MemoryDataTests {
  private let input = LayerTestCase(
    "MemoryData",
    #"type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 1 width: 3 }"#, [],
    tops: 2)

  private func layer(_ net: Net) throws -> MemoryDataLayer {
    try #require(net.layer("l") as? MemoryDataLayer)
  }

  /// Four items of three values, item n holding 10n, 10n + 1, 10n + 2.
  private let items = (0..<4).flatMap { item in (0..<3).map { Float(10 * item + $0) } }

  @Test func givesBatchesInTurn() throws {
    let net = try input.net()
    try layer(net).reset(data: items, labels: [0, 1, 2, 3])
    for first in [Float(0), 2, 0] {
      try net.forward()
      #expect(net.blob("out1")?.data.values == [first, first + 1])
      #expect(
        net.blob("out0")?.data.values == [
          10 * first, 10 * first + 1, 10 * first + 2, 10 * first + 10, 10 * first + 11,
          10 * first + 12,
        ])
    }
    try layer(net).reset(data: Array(items[6...]), labels: [2, 3])
    try net.forward()
    #expect(net.blob("out1")?.data.values == [2, 3])
  }

  /// Data that is there before a run is resumed goes on where it was.
  @Test func goesOnAtThePass() throws {
    let net = try input.net()
    try layer(net).reset(data: items, labels: [0, 1, 2, 3])
    try net.seek(toPass: 3)
    try net.forward()
    #expect(net.blob("out1")?.data.values == [2, 3])
  }

  @Test func refusesWhatDoesNotFit() throws {
    let net = try input.net()
    expectError("MemoryData has no data yet") { try net.forward() }
    expectError(
      "n must be a positive multiple of batch_size (2), got 3"
    ) {
      try layer(net).reset(data: Array(items[..<9]), labels: [0, 1, 2])
    }
    expectError("positive multiple") { try layer(net).reset(data: [], labels: []) }
    expectError("2 items of 3 values make 6 values, got 5") {
      try layer(net).reset(data: Array(items[..<5]), labels: [0, 1])
    }
    RefusedLayer(
      #"type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 4 }"#, [],
      tops: 2, "must be specified and positive in memory_data_param"
    ).expect()
  }
}
