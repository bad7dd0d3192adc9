/// A layer whose forward pass may have to wait until its data is there.
package protocol DataWaiting: AnyObject {
  /// How long forward passes have waited for data altogether: for batches prepared ahead that were not
  /// ready, or for files to be read.
  var waited: Duration { get }
}
