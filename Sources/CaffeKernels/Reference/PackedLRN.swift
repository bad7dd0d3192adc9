import CaffeKernelsC

/// Local response normalisation across channels of values in a packed order, the CAFFE engine's.
///
/// - Input, output and gradients `[items, runs, spatial…, run]`, runs and run as `ChannelRuns` has them.
///
/// Means the same as `LRNAcrossChannels` does, and keeps nothing between the passes: what the backward pass
/// needs is worked out again, which is faster than to write and to read it.
package final class PackedLRN {
  private let settings: ck_packed_lrn
  private var workspace = Workspace()

  /// - Parameters:
  ///   - extents: `[n, c, spatial…]`.
  ///   - localSize: channels of a neighbourhood.
  /// - Returns: `nil` for neighbourhoods of other than 3 or 5 channels.
  package init?(
    _ extents: [Int], runs: ChannelRuns, localSize: Int, alpha: Float, beta: Float, k: Float
  ) {
    guard localSize == 3 || localSize == 5 else { return nil }
    settings = ck_packed_lrn(
      items: extents[0], runs: extents[0] == 0 ? 0 : runs.planes / extents[0],
      cells: extents[2...].reduce(1, *), run: runs.run, n: localSize,
      alpha: alpha / Float(localSize), beta: beta, k: k)
  }

  /// Overwrites `output`, which may not be `input`.
  package func forward(_ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
    withWorkspace { ck_lrn_packed($0, input, $1, $2, output) }
  }

  /// Overwrites `inputGradient`, which may be `gradient`.
  package func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withWorkspace { ck_lrn_packed_backward($0, gradient, input, $1, $2, inputGradient) }
  }

  private func withWorkspace(
    _ body: (UnsafePointer<ck_packed_lrn>, _ parts: Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    withUnsafePointer(to: settings) { settings in
      let parts = ck_lrn_packed_parts(settings)
      body(settings, parts, workspace.reserve(parts * ck_lrn_packed_workspace(settings)))
    }
  }
}
