import CaffeTestSupport
import Foundation

/// A library of `Tests/Fixtures`, compiled, to be loaded before the program.
final class Shim: Sendable {
  /// Counts requests of memory.
  static let allocations = Shim("allocations.c")

  let path: String
  private let folder: TemporaryFolder

  /// `nil` without a compiler.
  init?(_ fixture: String) {
    guard let folder = try? TemporaryFolder() else { return nil }
    self.folder = folder
    path = folder("shim.so")
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.arguments = [
      "cc", "-O1", "-shared", "-fPIC", "-o", path, PackageFolder.path("Tests/Fixtures/\(fixture)"),
      "-ldl",
    ]
    guard (try? compiler.run()) != nil else { return nil }
    compiler.waitUntilExit()
    guard compiler.terminationStatus == 0 else { return nil }
  }
}
