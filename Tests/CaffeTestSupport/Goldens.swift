import CaffeData
import Glibc

/// The numbers of the real Caffe: `Tests/Goldens`, or the folder that `CAFFE_GOLDENS` names.
public enum Goldens {
  public static let folder: String = {
    if let path = getenv("CAFFE_GOLDENS") { return String(cString: path) }
    return ownFolder
  }()

  public static func path(_ name: String) -> String { folder + "/" + name }

  /// A file of this package, wherever `CAFFE_GOLDENS` leads: for tests that want this very file. Another
  /// folder of goldens need not have it.
  public static func own(_ name: String) -> String { ownFolder + "/" + name }

  private static let ownFolder = PackageFolder.path("Tests/Goldens")
}

/// Why a golden case could not be run.
public struct NotRun: Error {
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
}

/// How a case differs from the reference.
public struct Mismatch: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// What became of the cases of one golden file.
///
///     goldens: 99 cases, 97 passed, 1 failed (…), 1 not run (…) [layers.h5 on CAFFE]
public struct GoldenTally {
  public let subject: String
  public private(set) var passed = 0
  public private(set) var failed: [String] = []
  public private(set) var notRun: [String] = []

  public init(_ subject: String) { self.subject = subject }

  /// Runs one case: it passes unless it throws.
  public mutating func run(_ name: String, _ body: () throws -> Void) {
    do {
      try body()
      passed += 1
    } catch let skipped as NotRun {
      notRun.append("\(name): \(skipped.reason)")
    } catch {
      failed.append("\(name): \(error)")
    }
  }

  /// Whether there were cases, and all of them were run and passed.
  public var isComplete: Bool { passed > 0 && failed.isEmpty && notRun.isEmpty }

  public var line: String {
    func named(_ cases: [String], _ word: String) -> String {
      "\(cases.count) \(word)" + (cases.isEmpty ? "" : " (\(cases.joined(separator: "; ")))")
    }
    let total = passed + failed.count + notRun.count
    return
      "goldens: \(total) cases, \(passed) passed, \(named(failed, "failed")), \(named(notRun, "not run")) [\(subject)]"
  }
}

/// Compares arrays so that neither NaN nor a missing value can pass.
public enum Closeness {
  /// The largest difference as a share of the largest expected magnitude; infinite if the lengths
  /// differ or a value is NaN on one side only.
  public static func worst(_ actual: [Float], _ expected: [Float]) -> Float {
    guard actual.count == expected.count else { return .infinity }
    let scale = max(expected.lazy.filter(\.isFinite).map(abs).max() ?? 0, 1e-6)
    var worst: Float = 0
    for (a, e) in zip(actual, expected) where !(a == e || a.isNaN && e.isNaN) {
      let error = abs(a - e) / scale
      if !(error <= worst) { worst = error.isNaN ? .infinity : error }
    }
    return worst
  }

  public static func check(
    _ actual: [Float], _ expected: [Float], _ name: String, tolerance: Float
  ) throws {
    let worst = worst(actual, expected)
    guard worst <= tolerance else { throw Mismatch("\(name) is off by \(worst)") }
  }
}

/// An HDF5 file of golden arrays.
public struct GoldenFile {
  private let file: HDF5File

  public init(_ name: String) throws { try self.init(path: Goldens.path(name)) }

  /// Any other HDF5 file.
  public init(path: String) throws { file = try HDF5File(reading: path) }

  /// The children of a group, none if there is no such group.
  public func names(in group: String) throws -> [String] {
    group.isEmpty || file.exists(group) ? try file.children(of: group) : []
  }

  public func text(_ attribute: String, of group: String) throws -> String {
    guard let text = try file.stringAttribute(attribute, of: group) else {
      throw Mismatch("\(group) has no attribute \(attribute)")
    }
    return text
  }

  public func values(_ name: String) throws -> [Float] {
    try file.read(name, as: Float.self).values
  }

  public func shape(_ name: String) throws -> [Int] { try file.read(name, as: Float.self).shape }

  /// All arrays `group/<a>/<b>`, as (a, b, values).
  public func arrays(_ group: String) throws -> [(owner: String, index: String, values: [Float])] {
    try names(in: group).flatMap { owner in
      try names(in: "\(group)/\(owner)").map { index in
        (owner, index, try values("\(group)/\(owner)/\(index)"))
      }
    }
  }
}
