import Caffe
import Glibc

/// The file that glog's `log_dir` asks for, named and headed as glog's are; `caffe.INFO` links to the last.
struct LogFile: Sendable {
  private let descriptor: Int32

  /// - Throws: a folder in which it cannot be made.
  init(in folder: String) throws {
    let now = LogTime()
    let user = getenv("USER").map { String(cString: $0) } ?? "unknown"
    let machine = Self.machine
    let name =
      "caffe.\(machine).\(user).log.INFO.\(now.date)-\(now.clock(separator: "")).\(getpid())"
    let path = folder + "/" + name
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CaffeError("log_dir: \(String(cString: strerror(errno)))", places: [path])
    }
    let link = folder + "/caffe.INFO"
    unlink(link)
    symlink(name, link)
    write(
      """
      Log file created at: \(now.slashedDate) \(now.clock(separator: ":"))
      Running on machine: \(machine)
      Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg

      """)
  }

  func write(_ text: String) { StandardError.write(text, to: descriptor) }

  private static var machine: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
