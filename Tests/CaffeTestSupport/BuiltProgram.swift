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
}
