import CaffeSchema
import Glibc
import Testing

/// Prints how fast the readers are, by CPU time; asserts no time, for machines differ.
@Suite(.serialized)
struct SpeedTests {
  private func report(_ name: String, bytes: Int, _ body: () throws -> Void) rethrows {
    let seconds = try (0..<5).map { _ in
      let start = cpuSeconds()
      try body()
      return cpuSeconds() - start
    }.min()
    guard let seconds else { return }
    print("\(name): \(Int(Double(bytes) / seconds / 1e6)) MB/s, \(Float(seconds * 1e3)) ms")
  }

  /// Of this thread.
  private func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  @Test func textOfLayers() throws {
    let one = String(decoding: try SchemaGoldens.bytes("solver/net.prototxt"), as: UTF8.self)
    let layers = String(repeating: String(one.drop { $0 != "\n" }), count: 2000)
    var net = NetParameter()
    try report("layers as text", bytes: layers.utf8.count) {
      net = try NetParameter(text: layers, file: "layers")
    }
    #expect(net.layer.count == 12_000)
  }

  @Test func textOfNumbers() throws {
    var blob = BlobProto()
    var dice = Dice(seed: 1)
    blob.data = (0..<200_000).map { _ in Float.random(in: -1...1, using: &dice) }
    let numbers = blob.text()
    try report("numbers as text", bytes: numbers.utf8.count) {
      blob = try BlobProto(text: numbers, file: "numbers")
    }
    #expect(blob.data.count == 200_000)
    report("printing numbers", bytes: numbers.utf8.count) { _ = blob.text() }
  }

  @Test func records() throws {
    var datum = Datum()
    (datum.channels, datum.height, datum.width) = (1, 28, 28)
    datum.data = [UInt8](repeating: 7, count: 784)
    let bytes = try datum.binary()
    var sum = 0
    try report("10000 records of 784 bytes", bytes: 10_000 * bytes.count) {
      for _ in 0..<10_000 { sum += try bytes.withUnsafeBytes { try DatumRecord(binary: $0).width } }
    }
    try report("the same as Datum", bytes: 10_000 * bytes.count) {
      for _ in 0..<10_000 { sum += try Datum(binary: bytes, file: "datum").width }
    }
    #expect(sum == 10 * 10_000 * 28)
  }

  @Test func model() throws {
    var net = NetParameter()
    var layer = LayerParameter()
    var blob = BlobProto()
    blob.data = [Float](repeating: 0.5, count: 5_000_000)
    blob.shape.dim = [5_000_000]
    layer.blobs = [blob]
    net.layer = [layer]
    var bytes: [UInt8] = []
    try report("writing a model of 20 MB", bytes: 20_000_000) { bytes = try net.binary() }
    var values = 0
    try report("reading its weights", bytes: 20_000_000) {
      values = try bytes.withUnsafeBytes { try NetWeights(binary: $0, file: "m") }.layers[0].blobs[
        0
      ].data.count
    }
    #expect(values == 5_000_000)
  }
}
