import CaffeData
import Foundation

/// The program under test: `CAFFE_SWIFT`, or the one that stands beside the test program.
public enum BuiltProgram {
  public static let path: String = {
    if let path = ProcessInfo.processInfo.environment["CAFFE_SWIFT"] { return path }
    let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: tests ?? "").deletingLastPathComponent()
      .appendingPathComponent("caffe-swift").path
  }()

  /// From now on HDF5 files, LMDB and LevelDB databases are read as the program reads them: in processes
  /// of their own, which run it.
  public static func readsFiles() { _ = isReading }

  private static let isReading: Bool = {
    ReaderProcess.use(program: path)
    return true
  }()

  /// The processes that a process has started to read files. (A sanitizer starts one of its own.)
  public static func readers(of parent: pid_t) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
      // The second field after the program's name in brackets is the parent.
      let status = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
      let fields = status?.split(separator: ")").last?.split(separator: " ")
      guard let fields, fields.count > 1, Int32(fields[1]) == parent else { return nil }
      let line = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)
      return line?.contains("--read-files-for-parent-process") == true ? pid_t(name) : nil
    }
  }
}
