import CaffeErrors
import Foundation
import Glibc

/// A program of the system that draws for us.
package struct ExternalTool {
  private let name: String
  /// The Debian package that has it.
  private let package: String

  /// Graphviz's layout program.
  package static let dot = ExternalTool(name: "dot", package: "graphviz")
  /// Turns SVG into PNG and PDF.
  package static let svgConverter = ExternalTool(name: "rsvg-convert", package: "librsvg2-bin")

  package init(name: String, package: String) {
    self.name = name
    self.package = package
  }

  /// Runs the program to its end with `input` as standard input.
  ///
  /// - Throws: a sentence if it is not installed, or its first complaint if it fails.
  package func run(_ arguments: [String], input: String) throws {
    guard let program = path else {
      throw CaffeError(
        "\(name) is not installed; it is in Debian's package \(package), which scripts/setup installs"
      )
    }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let (feed, complaints) = (Pipe(), Pipe())
    process.standardInput = feed
    process.standardOutput = FileHandle.nullDevice
    process.standardError = complaints
    try start(process)
    // Graphviz and librsvg read their input whole before they write anything.
    try? feed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? feed.fileHandleForWriting.close()
    let said = all(of: complaints.fileHandleForReading)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let first = said.split(separator: "\n").first.map(String.init) ?? "no reason given"
      throw CaffeError("\(name) failed with status \(process.terminationStatus): \(first)")
    }
  }

  /// What comes until nobody can write any more. `FileHandle` would end the program if a signal
  /// interrupts it.
  private func all(of pipe: FileHandle) -> String {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(pipe.fileDescriptor, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }

  private func start(_ process: Process) throws {
    do {
      try process.run()
    } catch {
      throw CaffeError("\(name) cannot be started: \(error.localizedDescription)")
    }
  }

  private var path: URL? {
    ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
      .map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
      .map { URL(fileURLWithPath: $0) }
  }
}

/// The formats of drawings.
package enum DrawingFormat: String, CaseIterable {
  case svg, png, pdf

  /// What the ending of a file's name asks for.
  ///
  /// - Throws: another ending, naming those there are.
  package init(path: String) throws {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    guard let format = DrawingFormat(rawValue: ending) else {
      throw CaffeError("a picture's name ends in .svg, .png or .pdf, got '\(path)'")
    }
    self = format
  }
}
