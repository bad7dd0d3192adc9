import CaffeData
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
    // Graphviz and librsvg read their input whole before they write anything.
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw CaffeError("\(name) cannot be started: \(SystemFile.reason)")
    }
    defer { close(ends[0]) }
    let child = try start(program, arguments, talkingTo: ends[1])
    send(input, to: ends[0])
    let said = all(from: ends[0])
    let end = child.end()
    guard end.status == 0 else {
      let first = said.split(separator: "\n").first.map(String.init) ?? "no reason given"
      throw CaffeError("\(name) failed with \(end.description): \(first)")
    }
  }

  /// Starts the program with the socket as standard input and standard error, and closes it here.
  private func start(
    _ program: String, _ arguments: [String], talkingTo socket: Int32
  ) throws -> ChildProgram {
    defer { close(socket) }
    do {
      return try ChildProgram(
        program, arguments, name: name, environment: ProcessInfo.processInfo.environment,
        descriptors: [(socket, STDIN_FILENO), (socket, STDERR_FILENO)])
    } catch {
      throw CaffeError("\(name) cannot be started: \(error)")
    }
  }

  /// As much as the program takes; why it does not take all, it says itself.
  private func send(_ input: String, to socket: Int32) {
    var rest = Array(input.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    shutdown(socket, Int32(SHUT_WR))
  }

  /// What comes until nobody can write any more.
  private func all(from socket: Int32) -> String {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(socket, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }

  private var path: String? {
    ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
      .map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
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
