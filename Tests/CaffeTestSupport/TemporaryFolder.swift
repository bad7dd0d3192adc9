import CaffeErrors
import Foundation

/// A folder that is removed when the test lets go of it.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    path = NSTemporaryDirectory() + "caffe-swift-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in the folder.
  public func callAsFunction(_ name: String) -> String { path + "/" + name }

  public func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  public func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
  }

  public func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
  }

  public func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: self(name))
  }

  public func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self(name)) }

  /// The names of what is in the folder, folders' contents included; those that begin with a dot
  /// (temporary files) only if asked for.
  public func names(hidden: Bool = false) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path)
      .filter { hidden || !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
      .sorted()
  }
}

/// The text of the error that `body` throws, to be compared; a complaint if it throws none, or one
/// that is not meant for users.
public func refusal(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "(nothing was refused)"
  } catch let error as CaffeError {
    return "\(error)"
  } catch {
    return "(not a CaffeError: \(error))"
  }
}
