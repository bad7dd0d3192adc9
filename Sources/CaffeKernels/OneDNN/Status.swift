import COneDNN
import CaffeErrors

/// Why the engine ONEDNN leaves a case to the engine CAFFE: a sentence for the user.
///
/// Not an error by itself: automatic choice falls back and keeps the sentence, a layer that names
/// the engine turns it into one.
package struct EngineRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ reason: String) {
    description = "ONEDNN declined: \(reason)"
  }
}

/// The one door through which status codes of set-up calls pass.
///
/// - Throws: `EngineRefusal` if oneDNN has no implementation, `CaffeError` if the machine failed.
///   Invalid arguments are our own mistake and trap.
func check(_ status: dnnl_status_t, _ call: @autoclosure () -> String) throws {
  switch status {
  case dnnl_success: return
  case dnnl_unimplemented: throw EngineRefusal("oneDNN does not implement this \(call())")
  case dnnl_invalid_arguments: preconditionFailure("oneDNN \(call()): invalid arguments")
  default:
    throw CaffeError("oneDNN \(call()) failed: \(String(cString: dnnl_status2str(status)))")
  }
}

/// The door for calls that cannot fail once set-up has succeeded: they allocate nothing.
func mustSucceed(_ status: dnnl_status_t, _ call: StaticString) {
  precondition(
    status == dnnl_success, "oneDNN \(call): \(String(cString: dnnl_status2str(status)))")
}
