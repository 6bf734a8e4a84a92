//! What a command with `--recursive` is to transfer: the files of a directory, each under its path below the directory. The
//! directories themselves are made here, before the first transfer.
//!
//! What has been transferred before is not transferred again: a file that is there with the same size and the same SHA-256 is
//! left out, so that a command that was interrupted can be repeated. A file that is there with other content is refused.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use p2p_base::replacement::FileAttributes;
use p2p_base::spelling::visible;
use p2p_engine::operation::{BeginTransfer, MakeDirectory, SetAttributes, Upload};
use p2p_service::access::{Access, AccessError, Identity};
use p2p_store::attributes::Attributes;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::{Entry, Namespace};

use crate::ShellError;
use crate::lists::LISTED_MAX;
use crate::local_tree::{Destination, LocalEntry, LocalTree, has_content_of, told};
use crate::manner::Manner;
use crate::place::{expand, place_of};
use crate::tally::Tally;

/// What is to be transferred, and what is not.
#[derive(Debug, Default)]
pub struct Plan {
    /// Transfers in their order, each with the name of its file as it is shown.
    pub transfers: Vec<(String, BeginTransfer)>,
    /// What is left out because it is neither a file nor a directory, with the reason.
    pub skipped: Vec<String>,
    /// Number of files that are there already, with the same content.
    pub same: u64,
    /// What cannot be transferred, with the reason.
    pub failures: Vec<String>,
}

impl Plan {
    /// Adds what another plan holds.
    pub fn extend(&mut self, other: Plan) {
        self.transfers.extend(other.transfers);
        self.skipped.extend(other.skipped);
        self.same += other.same;
        self.failures.extend(other.failures);
    }

    /// Returns a line for each thing that is left out and is no failure.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.skipped.iter().take(LISTED_MAX).map(|skipped| format!("skipped {skipped}")).collect();
        let more = self.skipped.len() - notes.len();
        notes.extend((more > 0).then(|| format!("skipped {more} more")));
        notes.extend((self.same > 0).then(|| match self.same {
            1 => "1 file is there already, with the same content".to_owned(),
            same => format!("{same} files are there already, with the same content"),
        }));
        notes
    }

    /// Returns the count that the transfers begin with.
    pub fn tally(&self, verb: &'static str) -> Tally {
        Tally::new(verb, self.failures.clone())
    }
}

/// Makes the plan to store a file or a directory of this machine, which the user calls `label`: as `name`, in the directory `name` if that
/// ends with `/`, or under its own name. A stored directory of that name is merged into. Where attributes are to be kept, directories and
/// files that are stored already get theirs here.
///
/// # Errors
/// Fails if the directory cannot be stored under that name, or if the user may store nothing.
pub async fn plan_upload(
    access: &Access,
    label: String,
    path: PathBuf,
    name: Option<&str>,
    manner: Manner,
) -> Result<Plan, ShellError> {
    if !path.is_dir() {
        let upload = manner.storing(access.upload(path, name)?);
        return Ok(Plan { transfers: vec![(label, upload.into())], ..Plan::default() });
    }
    let identity = access.identity();
    let base = access.directory(&stored_name_of(&identity, &path, name)?, true)?;
    let (root, stored) = (path.clone(), base.path.clone());
    let mut tree = off_thread(move || LocalTree::of(&root, &stored)).await?;
    let root = LocalEntry { path, stored: base.path.clone() };
    access.call(base).await.map_err(ShellError::from)?;
    let mut plan = Plan { skipped: tree.skipped, failures: tree.failures, ..Plan::default() };
    let refused = make_directories(access, &identity, &tree.directories, &mut plan.failures).await?;
    let is_usable =
        |entry: &LocalEntry| refused.iter().all(|refused| entry.stored != *refused && !is_below(&entry.stored, refused));
    tree.directories.insert(0, root);
    tree.directories.retain(is_usable);
    tree.files.retain(is_usable);
    let (names, owner, now) = (access.names(), identity.name().map(str::to_owned), access.now());
    let missing = off_thread(move || missing_of(tree.files, tree.directories, &names, (owner, now), manner)).await?;
    plan.same = missing.same;
    for set in missing.attributes {
        let label = identity.shown(&set.file);
        let refused = access.call(set).await.err();
        plan.failures.extend(refused.map(|error| format!("{label}: {error}")));
    }
    let labelled = |upload: Upload| {
        let key = FileKey::new(identity.name(), upload.name.as_deref().unwrap_or_default());
        (identity.shown(&key), upload.into())
    };
    plan.transfers = missing.uploads.into_iter().map(labelled).collect();
    Ok(plan)
}

/// Returns what the user calls the directory as which a directory of this machine is stored.
fn stored_name_of(identity: &Identity, path: &Path, name: Option<&str>) -> Result<String, ShellError> {
    let own = || {
        let real = if path.file_name().is_some() { Some(path.to_owned()) } else { path.canonicalize().ok() };
        real.and_then(|path| path.file_name()?.to_str().map(str::to_owned))
    };
    match (name.map(|name| (name, name.ends_with('/'))), own()) {
        (Some((name, false)), _) => Ok(name.to_owned()),
        (Some((name, true)), Some(own)) => Ok(format!("{name}{own}")),
        (None, Some(own)) => Ok(identity.label(&FileKey::new(identity.name(), &own))),
        (_, None) => Err(ShellError::Bad(format!(
            "{}; --as NAME says under which it is stored",
            told(path, &"it has no name that is valid UTF-8")
        ))),
    }
}

/// Makes the directories that are not there, and returns those that cannot be made. The reasons are added to `failures`.
async fn make_directories(
    access: &Access,
    identity: &Identity,
    directories: &[LocalEntry],
    failures: &mut Vec<String>,
) -> Result<Vec<String>, ShellError> {
    let mut refused: Vec<String> = Vec::new();
    for LocalEntry { stored: path, .. } in directories {
        let key = FileKey::new(identity.name(), path);
        if refused.iter().any(|refused| is_below(path, refused)) || access.names().is_directory(&key) {
            continue;
        }
        if let Err(error) = access.call(MakeDirectory { path: path.clone(), parents: true, made_at: access.now() }).await {
            failures.push(format!("{}: {error}", identity.shown(&key)));
            refused.push(path.clone());
        }
    }
    Ok(refused)
}

/// Returns true if a path is that of something in a directory.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// What is missing of a directory of this machine that is stored already, as far as it is.
struct Missing {
    uploads: Vec<Upload>,
    /// Number of files that are stored already with the same content.
    same: u64,
    /// Attributes that what is stored lacks, where they are to be kept.
    attributes: Vec<SetAttributes>,
}

fn missing_of(
    files: Vec<LocalEntry>,
    directories: Vec<LocalEntry>,
    names: &Namespace,
    (owner, now): (Option<String>, u64),
    manner: Manner,
) -> Missing {
    let key = |entry: &LocalEntry| FileKey::new(owner.as_deref(), &entry.stored);
    let is_stored = |file: &LocalEntry| names.file(&key(file)).is_some_and(|stored| has_content_of(&file.path, stored));
    let (same, left): (Vec<LocalEntry>, Vec<LocalEntry>) = files.into_iter().partition(is_stored);
    let kept = directories.iter().chain(&same).filter(|_| manner.preserve);
    let lacking = |entry: &LocalEntry| {
        let (file, attributes) = (key(entry), Attributes::from(&fs::metadata(&entry.path).ok()?));
        (names.get(&file)?.attributes() != attributes).then_some(SetAttributes { file, attributes })
    };
    let attributes = kept.filter_map(lacking).collect();
    let upload = |LocalEntry { path, stored }: LocalEntry| manner.storing(Upload::of_file(path, Some(stored), now));
    Missing { same: same.len() as u64, uploads: left.into_iter().map(upload).collect(), attributes }
}

/// Place of this machine to which a command fetches.
#[derive(Debug, Clone)]
pub struct Target {
    /// Path that was given, if any.
    pub path: Option<PathBuf>,
    /// True if the path is a directory for what is fetched under its own name, because several names were given or it ends with
    /// `/`; false if a directory becomes the one of that path.
    pub is_above: bool,
    /// Manner of writing the files: what may be replaced, and what is kept.
    pub manner: Manner,
}

impl Target {
    /// Returns the place at a path, for so many names.
    pub fn new(path: Option<PathBuf>, names: usize, manner: Manner) -> Target {
        let ends_with_separator = path.as_ref().is_some_and(|path| path.as_os_str().as_encoded_bytes().ends_with(b"/"));
        Target { path, is_above: names > 1 || ends_with_separator, manner }
    }

    /// Returns the local directory to which a stored one is fetched. The root of another user's tree has the name of the user.
    fn directory(&self, root: &FileKey) -> PathBuf {
        let name = if root.is_root() { root.owner.as_deref().unwrap_or(".") } else { root.last_name() };
        match &self.path {
            Some(path) if self.is_above => path.join(name),
            Some(path) => path.clone(),
            None => expand(name),
        }
    }
}

/// Makes the plan to fetch what the user calls `text`. The local directories are made, and a local directory that is there is
/// merged into.
///
/// # Errors
/// Fails if there is no such file or directory that the user may read, or if the local directory cannot be made.
pub async fn plan_download(access: &Access, identity: &Identity, text: &str, to: &Target) -> Result<Plan, ShellError> {
    let (root, entries) = access.tree(identity, text).await?;
    let Manner { replace, preserve, .. } = to.manner;
    if let [Entry::File(file)] = entries.as_slice()
        && file.key == root
    {
        let download = access.download(identity, text, None, |key| place_of(key, to.path.clone()), replace).await?;
        let download = download.preserving(preserve).into();
        access.record_transfer(identity, &download).await?;
        return Ok(Plan { transfers: vec![(visible(text).into_owned(), download)], ..Plan::default() });
    }
    let (above, place) = (to.path.clone().filter(|_| to.is_above), to.directory(&root));
    let make = move || {
        above.iter().try_for_each(|above| Destination::make(above.clone()).map(drop))?;
        places(place, &root, entries, preserve)
    };
    let (found, same, failures) = off_thread(make).await?.map_err(ShellError::Bad)?;
    let mut plan = Plan { same, failures, ..Plan::default() };
    for (key, path) in found {
        match access.download(identity, &identity.label(&key), None, |_| path, replace).await.map_err(ShellError::from) {
            Ok(download) => {
                let download = download.preserving(preserve).into();
                access.record_transfer(identity, &download).await?;
                plan.transfers.push((identity.shown(&key), download));
            }
            Err(error) => plan.failures.push(error.to_string()),
        }
    }
    Ok(plan)
}

/// Places of files, the number of files that are there already with the same content, and what cannot be put there.
type Places = (Vec<(FileKey, PathBuf)>, u64, Vec<String>);

/// Makes the directory at `place` with those below it, and returns where each file goes. With `preserve` files that are there already with
/// the same content get the attributes of the stored ones.
fn places(place: PathBuf, root: &FileKey, entries: Vec<Entry>, preserve: bool) -> Result<Places, String> {
    let mut destination = Destination::make(place)?;
    let (mut found, mut same) = (Vec::new(), 0);
    for entry in entries {
        let Some(below) = entry.key().moved(root, &FileKey::unowned("")) else { continue };
        match entry {
            Entry::Directory(_) => drop(destination.make_directory(&below.name)),
            Entry::File(file) => match destination.place_of(&below.name) {
                Some(path) if has_content_of(&path, &file) => {
                    same += 1;
                    let given = if preserve { give_attributes(&path, &file) } else { Ok(()) };
                    destination.failures.extend(given.err().map(|error| told(&path, &error)));
                }
                Some(path) => found.push((file.key, path)),
                None => {}
            },
        }
    }
    Ok((found, same, destination.failures))
}

fn give_attributes(path: &Path, stored: &FileRecord) -> io::Result<()> {
    let attributes = FileAttributes { modified: stored.modified, mode: stored.mode };
    attributes.give(&File::open(path)?)
}

/// Returns the key and the files of what the user calls `text`: the file itself, or all that the user may read in the directory.
///
/// # Errors
/// Fails if there is no such file or directory that the user may read.
pub async fn files_of(access: &Access, identity: &Identity, text: &str) -> Result<(FileKey, Vec<FileRecord>), AccessError> {
    let (root, entries) = access.tree(identity, text).await?;
    let file = |entry| match entry {
        Entry::File(file) => Some(file),
        Entry::Directory(_) => None,
    };
    Ok((root, entries.into_iter().filter_map(file).collect()))
}

/// Carries out work that may wait for a disk, without keeping the runtime from anything else.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ShellError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ShellError::Bad("what is on the disk could not be read to its end".into()))
}
