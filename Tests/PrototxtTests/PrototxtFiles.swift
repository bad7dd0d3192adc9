import CaffeTestSupport
import Foundation

/// The files under `prototxt/`.
enum PrototxtFiles {
  static let all: [String] = {
    let names = FileManager.default.enumerator(atPath: PackageFolder.path("prototxt"))?
      .compactMap { $0 as? String }
    return (names ?? []).filter { $0.hasSuffix(".prototxt") }.map { "prototxt/" + $0 }.sorted()
  }()

  static func all(endingWith suffix: String) -> [String] { all.filter { $0.hasSuffix(suffix) } }
}
