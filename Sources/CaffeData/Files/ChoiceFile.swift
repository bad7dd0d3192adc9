import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema
import Foundation

/// Measured choices in a text file: a line each, key and choice with a tab between them. It may be
/// edited, copied to another machine, or made read-only once it is complete.
///
/// Of several processes that write the same file, the first to answer for a key is right.
public final class ChoiceFile: SpeedChoices.Memory {
  private let path: String
  private var choices: [String: String] = [:]

  /// - Parameter path: a file that is there or can be made; folders on the way are made.
  public init(_ path: String) throws {
    self.path = path
    try withPlace(path) {
      let folder = (path as NSString).deletingLastPathComponent
      if !folder.isEmpty, !FileManager.default.fileExists(atPath: folder) {
        do {
          try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        } catch {
          throw CaffeError("this folder cannot be made: \(folder)")
        }
      }
      if FileManager.default.fileExists(atPath: path) { try read() }
    }
  }

  /// `$CAFFE_SWIFT_CHOICES`, otherwise `caffe-swift/choices.tsv` in the user's folder for caches;
  /// `nil` where there is none.
  public static var standardPath: String? {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["CAFFE_SWIFT_CHOICES"] { return path }
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return "\(cache)/caffe-swift/choices.tsv"
    }
    return environment["HOME"].map { "\($0)/.cache/caffe-swift/choices.tsv" }
  }

  /// What the speed of code depends on besides the layer: processor, instruction set, threads.
  public static var machine: String {
    "\(Host.processor ?? "unknown processor"), \(InstructionSet.current.rawValue), \(Threads.count) threads:"
  }

  public func choice(for key: String) -> String? { choices[key] }

  public func keep(_ choice: String, for key: String) throws -> String {
    try withPlace(path) {
      let file = try SystemFile(appendingTo: path)
      try file.lock()
      try file.dropUnfinishedLine()
      try read()
      if let known = choices[key] { return known }
      try Array("\(key)\t\(choice)\n".utf8).withUnsafeBytes { try file.write($0) }
      choices[key] = choice
      return choice
    }
  }

  /// The first line of a key counts; what is no such line is passed over.
  private func read() throws {
    let text = String(decoding: try FileBytes.read(path, limit: 64 << 20), as: UTF8.self)
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard parts.count == 2, choices[String(parts[0])] == nil else { continue }
      choices[String(parts[0])] = String(parts[1])
    }
  }
}
