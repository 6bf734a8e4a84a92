//! `p2p put --keep` and `p2p put --resume`: uploads that are kept if they are interrupted, and continued later.

use std::path::PathBuf;

use eyre::{Result, WrapErr};
use p2p_base::source_file::{self, Unchanging};
use p2p_base::spelling::visible;
use p2p_base::units::count_of;
use p2p_engine::error::NAMELESS;
use p2p_engine::operation::KeptUpload;
use p2p_engine::transfer::TransferReport;
use p2p_engine::{BegunUpload, EngineError};
use p2p_service::failure::wrong_usage;
use p2p_service::instance::advised;
use p2p_service::output;
use p2p_shell::asking::refused;
use p2p_shell::manner::Manner;
use p2p_store::attributes::{Attributes, StoreAs};
use p2p_store::uploads::{Declared, UploadId};

use super::streams::{Kept, Origin, pour_in};
use super::{PutArgs, Visit};
use crate::operand::{declared, is_dash, put_again};

/// Upload that is kept if it is interrupted.
#[derive(Debug)]
pub(super) struct KeptPut {
    pub(super) path: PathBuf,
    /// Name under which it is to be stored, if it is given.
    name: Option<String>,
    pub(super) upload: UploadId,
    manner: Manner,
    /// True if the upload is kept already.
    is_resumed: bool,
    /// Options of the command that say where, for whom and how, as they were given.
    options: Vec<String>,
}

/// Source of an upload, with what is known of it before it is read, and the attributes that are to be kept.
struct Opened {
    origin: Origin,
    declared: Declared,
    attributes: Attributes,
}

impl KeptPut {
    /// Returns the upload that the options mean, and none if it is not to be kept.
    ///
    /// # Errors
    /// Fails if the options contradict each other, or if the system gives no random bytes.
    pub(super) fn of(args: &PutArgs) -> Result<Option<KeptPut>> {
        let upload = match (args.keep, args.resume) {
            (false, None) => return Ok(None),
            (_, Some(upload)) => upload,
            (true, None) => UploadId::random().wrap_err("cannot draw a name for the upload")?,
        };
        let option = if args.keep { "--keep" } else { "--resume" };
        match args.files.as_slice() {
            [path] if !args.recursive => {
                let (path, name, is_resumed) = (path.clone(), args.name.clone(), args.resume.is_some());
                let manner = Manner { replace: args.force, preserve: args.preserve, ..Manner::default() };
                Ok(Some(KeptPut { path, name, upload, manner, is_resumed, options: args.common.words() }))
            }
            _ => Err(wrong_usage(format_args!("{option} is for one file"), "store the files one by one")),
        }
    }

    /// Stores the content, or what is missing of it.
    pub(super) async fn carry_out(self, visit: &Visit) -> Result<TransferReport> {
        let Opened { origin, declared, attributes } = self.open().map_err(advised)?;
        let (BegunUpload { transfer, writer, .. }, kept) = match self.is_resumed {
            true => self.resume(visit, declared).await?,
            false => (self.begin(visit, declared, attributes).await?, None),
        };
        let next = format!("`{}` continues it", self.again());
        visit.instance.transfer_kept(transfer, self.upload, &next, pour_in(writer, kept, origin)).await
    }

    async fn begin(&self, visit: &Visit, declared: Declared, attributes: Attributes) -> Result<BegunUpload> {
        let own = self.path.file_name().filter(|_| !is_dash(&self.path)).and_then(|name| name.to_str());
        let wanted = self.name.as_deref().or(own).ok_or_else(|| advised(self.unreadable(NAMELESS)))?;
        let name = visit.access().place(wanted, own).map_err(refused)?;
        let stored_as = StoreAs { attributes, replace: self.manner.replace, expected: None };
        let begun = visit.access().store_stream(&name, declared, Some(self.upload), stored_as).await.map_err(refused)?;
        output::tell(format_args!(
            "p2p: upload {}; if it is interrupted, `{}` continues it, and after a kill from what `p2p uploads` lists, if that is anything",
            self.upload,
            self.again()
        ));
        Ok(begun)
    }

    /// Begins to continue the upload, and returns what it has already, if that is anything.
    async fn resume(&self, visit: &Visit, declared: Declared) -> Result<(BegunUpload, Option<Kept>)> {
        let kept = visit.access().kept_upload(&visit.identity, self.upload).await.map_err(refused)?;
        self.refuse_other_name(visit, &kept)?;
        let mut begun = visit.access().resume_stream(&kept, declared).await.map_err(refused)?;
        let told = format!("p2p: continuing {} after {}", visit.identity.shown(&kept.file), count_of(begun.offset, "byte"));
        Ok(match begun.prefix.take() {
            Some(prefix) => (begun, Some(Kept::new(prefix, told))),
            None => {
                output::tell(told);
                (begun, None)
            }
        })
    }

    /// Refuses a name that is not the one of the kept upload.
    fn refuse_other_name(&self, visit: &Visit, kept: &KeptUpload) -> Result<()> {
        match &self.name {
            Some(name) if visit.identity.key_of(name) != kept.file => Err(wrong_usage(
                format_args!("upload {} is of `{}`, and not of `{}`", kept.id, visit.identity.shown(&kept.file), visible(name)),
                "leave --as out; `p2p mv` gives the file another name once it is stored",
            )),
            _ => Ok(()),
        }
    }

    /// Opens the source.
    fn open(&self) -> Result<Opened, EngineError> {
        if is_dash(&self.path) {
            return Ok(Opened { origin: Origin::Stdin, declared: Declared::default(), attributes: Attributes::default() });
        }
        let (file, metadata) = source_file::open(&self.path).map_err(|error| self.unreadable(&error.to_string()))?;
        let attributes = if self.manner.preserve { Attributes::from(&metadata) } else { Attributes::default() };
        let content = Unchanging::new(file, &metadata);
        Ok(Opened { origin: Origin::File(content, self.path.clone()), declared: declared(&metadata), attributes })
    }

    fn unreadable(&self, reason: &str) -> EngineError {
        EngineError::Source { path: self.path.clone(), reason: reason.to_owned() }
    }

    /// Returns the command that continues the upload, which can be pasted.
    fn again(&self) -> String {
        let mut options = vec![format!("--resume {}", self.upload)];
        options.extend(self.options.iter().cloned());
        put_again(&self.path, &options.join(" "))
    }
}
