import COneDNN

/// The processor as oneDNN sees it: one engine and one stream for the whole process.
///
/// A stream of the CPU engine runs each primitive to its end on the calling thread and the GNU
/// OpenMP team, and keeps no state between primitives; so threads may share it.
final class OneDNNRuntime: @unchecked Sendable {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  private static let created = Result { try OneDNNRuntime() }

  /// - Throws: `CaffeError` if oneDNN cannot be started on this machine.
  static func shared() throws -> OneDNNRuntime { try created.get() }

  private init() throws {
    var engine: dnnl_engine_t?
    try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine creation")
    var stream: dnnl_stream_t?
    try check(
      dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "stream creation")
    guard let engine, let stream else { preconditionFailure("oneDNN returned no engine") }
    self.engine = engine
    self.stream = stream
  }
}

extension Precision {
  /// Whether the processor multiplies bfloat16 itself, and oneDNN may use that.
  package static var isBFloat16Native: Bool {
    let needed = dnnl_cpu_isa_avx512_core_bf16.rawValue
    return dnnl_get_effective_cpu_isa().rawValue & needed == needed
  }
}
