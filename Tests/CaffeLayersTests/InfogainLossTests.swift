import CaffeCore
import CaffeSchema
import CaffeTestSupport
import Foundation
import Testing

struct InfogainLossTests {
  private let scores: [Float] = [0.3, -1, 2, 0.5, 0.5, 0.1, -2, 1, 0]
  private let labels: [Float] = [0, 2, 1]

  private func loss(_ settings: String, _ inputs: [[Float]]) throws -> Float {
    let layer = LayerTestCase(
      "", settings, [[3, 3], [3], [3, 3]].prefix(inputs.count).map { $0 })
    return try layer.output(inputs)[0]
  }

  @Test func theIdentityIsTheSoftmaxLoss() throws {
    let identity: [Float] = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    let infogain = try loss(#"type: "InfogainLoss""#, [scores, labels, identity])
    let softmax = try loss(#"type: "SoftmaxWithLoss""#, [scores, labels])
    #expect(abs(infogain - softmax) < 1e-6)
  }

  /// H from a file counts as H from a bottom, and the second top holds probabilities.
  @Test func readsTheMatrixFromAFile() throws {
    let matrix: [Float] = [1, 0.2, 0, 0.5, 1, 0, 0.1, 0.3, 2]
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("infogain-\(UUID().uuidString).binaryproto").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tensor = Tensor([1, 1, 3, 3])
    tensor.values = matrix
    try Data(BlobProto(tensor).binary()).write(to: URL(fileURLWithPath: path))
    let fromFile = LayerTestCase(
      "", #"type: "InfogainLoss" infogain_loss_param { source: "\#(path)" }"#, [[3, 3], [3]],
      tops: 2)
    let net = try fromFile.net()
    try fromFile.fill(net, [scores, labels])
    try net.forward()
    let fromBottom = try loss(#"type: "InfogainLoss""#, [scores, labels, matrix])
    #expect(net.blob("out0")?.data.values == [fromBottom])
    let rows = try #require(net.blob("out1")).data.values
    #expect(abs(rows[0..<3].reduce(0, +) - 1) < 1e-6)
  }
}
