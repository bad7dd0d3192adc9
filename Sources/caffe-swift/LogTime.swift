import Glibc

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
