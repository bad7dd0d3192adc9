import CaffeErrors
import CaffeTestSupport
import Foundation
import Testing

/// A folder that is removed when the test lets go of it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "caffe-data-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }
}

/// Small hostile and foreign files; `make_fixtures.py` beside them tells what each one is.
func fixture(_ name: String) -> String { PackageFolder.path("Tests/Fixtures/" + name) }

/// Golden numbers of BVLC Caffe 1.0 (commit 9b89154, CPU, OpenCV 4.6); see the README there.
func golden(_ name: String) -> String { Goldens.own(name) }

/// Expects `body` to throw a `CaffeError` whose text contains `words`.
func expectError(
  _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  #expect(sourceLocation: sourceLocation) {
    try body()
  } throws: { error in
    let text = String(describing: error)
    if !text.contains(words) { Issue.record("\(text)", sourceLocation: sourceLocation) }
    return error is CaffeError && text.contains(words)
  }
}

func bytes(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The file with every occurrence of `old` replaced by `new`, both little-endian 64-bit.
func replacing(_ old: UInt64, by new: UInt64, in file: [UInt8]) -> [UInt8] {
  func littleEndian(_ number: UInt64) -> Data {
    withUnsafeBytes(of: number.littleEndian) { Data($0) }
  }
  var data = Data(file)
  while let range = data.range(of: littleEndian(old)) {
    data.replaceSubrange(range, with: littleEndian(new))
  }
  return [UInt8](data)
}
