import CaffeTestSupport
import Foundation

/// Chromium without a window, if it is on the PATH.
struct Browser {
  private let program: URL

  /// - Returns: nil, with a line that says so, where there is no Chromium.
  init?(for test: String) {
    let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
    guard
      let path = folders.map({ "\($0)/chromium" })
        .first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else {
      print("skipped: \(test) needs chromium on the PATH (apt-get install chromium)")
      return nil
    }
    program = URL(fileURLWithPath: path)
  }

  /// The page's document once its scripts have run for `seconds` of the browser's own time, which skips
  /// what is spent waiting for timers but not what is spent waiting for answers.
  ///
  /// - Parameter screenshot: where the picture goes.
  func open(_ address: String, seconds: Int, screenshot: String) throws -> String {
    let folder = try TemporaryFolder()
    let data = try Process.output(
      of: program,
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(folder.path)",
        "--window-size=1280,2400", "--virtual-time-budget=\(seconds * 1000)",
        "--screenshot=\(screenshot)", "--dump-dom", address,
      ])
    return String(decoding: data, as: UTF8.self)
  }
}
