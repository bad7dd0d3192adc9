import CaffeData
import Glibc

/// The numbers of the real Caffe: `Tests/Goldens`, or the folder that `CAFFE_GOLDENS` names.
public enum Goldens {
  public static let folder: String = {
    if let path = getenv("CAFFE_GOLDENS") { return String(cString: path) }
    let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return here.dropLast(2).joined(separator: "/") + "/Goldens"
  }()

  public static func path(_ name: String) -> String { folder + "/" + name }
}

/// What became of the cases of one golden file.
///
///     goldens: 99 cases, 97 passed, 0 failed, 2 not run (python: Unknown layer type: Python; …)
public struct GoldenTally {
  public private(set) var passed = 0
  public private(set) var failed: [String] = []
  public private(set) var notRun: [String] = []

  public init() {}

  public mutating func pass() { passed += 1 }
  public mutating func fail(_ name: String, _ why: String) { failed.append("\(name): \(why)") }
  public mutating func skip(_ name: String, _ why: String) { notRun.append("\(name): \(why)") }

  public var line: String {
    func named(_ count: [String], _ word: String) -> String {
      "\(count.count) \(word)" + (count.isEmpty ? "" : " (\(count.joined(separator: "; ")))")
    }
    let total = passed + failed.count + notRun.count
    return
      "goldens: \(total) cases, \(passed) passed, \(named(failed, "failed")), \(named(notRun, "not run"))"
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
}
