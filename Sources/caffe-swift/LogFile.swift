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

/// A moment, in the local time zone.
struct LogTime {
  private var local = tm()
  private let microseconds: Int

  init() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    localtime_r(&now.tv_sec, &local)
    microseconds = now.tv_nsec / 1000
  }

  /// `0210 13:39:22.381027`
  var text: String { "\(monthAndDay) \(clock(separator: ":")).\(Self.padded(microseconds, 6))" }
  /// `20170210`
  var date: String { "\(year)\(monthAndDay)" }
  /// `2017/02/10`
  var slashedDate: String { "\(year)/\(monthAndDay.prefix(2))/\(monthAndDay.suffix(2))" }

  func clock(separator: String) -> String {
    [local.tm_hour, local.tm_min, local.tm_sec]
      .map { Self.padded(Int($0), 2) }.joined(separator: separator)
  }

  private var year: Int { Int(local.tm_year) + 1900 }

  private var monthAndDay: String {
    Self.padded(Int(local.tm_mon) + 1, 2) + Self.padded(Int(local.tm_mday), 2)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
