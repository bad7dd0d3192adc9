import Glibc

/// The machine that this process runs on.
package enum Host {
  /// Its name in the network; empty if the system does not tell.
  package static let name: String = {
    var system = utsname()
    guard uname(&system) == 0 else { return "" }
    return withUnsafeBytes(of: system.nodename) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }()
}
