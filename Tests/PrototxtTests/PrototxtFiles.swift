import Foundation

/// The files under `prototxt/`.
enum PrototxtFiles {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardized

  static func path(_ file: String) -> String { root.appendingPathComponent(file).path }

  static let all: [String] = {
    let names = FileManager.default.enumerator(atPath: path("prototxt"))?
      .compactMap { $0 as? String }
    return (names ?? []).filter { $0.hasSuffix(".prototxt") }.map { "prototxt/" + $0 }.sorted()
  }()

  static func all(endingWith suffix: String) -> [String] { all.filter { $0.hasSuffix(suffix) } }
}
