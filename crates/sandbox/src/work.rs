//! The work behind a checked call, the same at every provider and in this order: wait, refuse, load, take the time, draw, charge.
//!
//! What differs is each provider's words and prices, which its request tells by [`Asked`]. All faults but those of finished answers
//! are dealt with here.

use crate::bill::{BillEntry, BilledTokens};
use crate::core::Core;
use crate::faults::{BodyFault, Faults, JobCall, Moderation, RefusalFault};
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
pub(crate) use crate::refused::End;
use crate::refused::Refused;
use bytes::Bytes;
use futures_util::future::try_join_all;
use imaging::Bitmap;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// A checked request of one provider.
pub(crate) trait Asked: Send + Sync + Sized + 'static {
    /// Whether it waits for a worker first; half of a fault's delay passes there.
    const IS_QUEUED: bool = false;

    /// What is asked for.
    fn order(&self) -> Order<'_>;

    /// What a worker finds wrong with the request before anything else, where not all is found when it is taken.
    ///
    /// # Errors
    /// Something is.
    fn check(&self) -> Result<(), Refused> {
        Ok(())
    }

    /// Its input images.
    ///
    /// # Errors
    /// One cannot be had or read.
    fn load(&self, core: &Core) -> impl Future<Output = Result<Inputs, Refused>> + Send;

    /// Width and height of each picture.
    fn size_px(&self, inputs: &Inputs) -> (u32, u32);

    /// What is special about each picture, which is otherwise a PNG of the prompt.
    fn dress(&self, drawing: Drawing) -> Drawing;

    /// What the call costs. `held`: the safety check strikes after the work, and [`Self::refused`] let the call go on.
    fn charge(&self, size_px: (u32, u32), inputs: &Inputs, held: bool) -> Cost;

    /// Why a call of this end comes to nothing; None where it is answered with pictures all the same.
    fn refused(&self, end: End) -> Option<Refused>;

    /// A refusal that a fault asks for.
    fn by_fault(&self, refusal: &RefusalFault) -> Refused;
}

/// What every request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// Whom it is asked of.
    pub(crate) provider: Provider,
    /// The model, as bills and pictures name it.
    pub(crate) model: &'a str,
    /// With its switches; empty where there is none.
    pub(crate) prompt: &'a str,
    /// How many pictures.
    pub(crate) count: u32,
    /// Of the first picture, where one was given.
    pub(crate) seed: Option<u64>,
    /// Bits that a seed of the emulator's own goes without, so that it can be told and given again.
    pub(crate) seed_less_bits: u32,
    /// How fast such a model draws, and at which quality.
    pub(crate) pace: Pace,
    pub(crate) quality: &'a str,
    /// In how many steps a picture comes: what it takes is waited for one by one.
    pub(crate) steps: u32,
}

impl<'a> Order<'a> {
    /// Pictures of no given seed, at a middling pace and quality.
    pub(crate) fn new(provider: Provider, model: &'a str, prompt: &'a str, count: u32) -> Self {
        Self {
            provider,
            model,
            prompt,
            count,
            seed: None,
            seed_less_bits: 0,
            pace: Pace::Medium,
            quality: "medium",
            steps: 1,
        }
    }
}

/// The images that a call came with.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) images: Arc<[Bitmap]>,
    /// Where alpha is 0, the first one is to be painted over.
    pub(crate) mask: Option<Arc<Bitmap>>,
}

impl Default for Inputs {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<Bitmap>> for Inputs {
    fn from(images: Vec<Bitmap>) -> Self {
        Self {
            images: images.into(),
            mask: None,
        }
    }
}

impl Inputs {
    /// Width and height of each image.
    pub(crate) fn sizes_px(&self) -> Vec<(u32, u32)> {
        let sizes = self.images.iter();
        sizes.map(|image| (image.width_px(), image.height_px())).collect()
    }

    /// Width and height of the first.
    pub(crate) fn first_px(&self) -> Option<(u32, u32)> {
        self.images.first().map(|image| (image.width_px(), image.height_px()))
    }
}

/// What a call costs; nothing by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// Pictures that are paid for; none where words alone are.
    pub(crate) images: u32,
    /// USD 1e-6.
    pub(crate) micros: i64,
    pub(crate) quality: Option<String>,
    pub(crate) tokens: Option<BilledTokens>,
    /// How the figure came about, in a few words.
    pub(crate) reason: String,
}

/// What came of a call that was not refused.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// None under the fault `empty`.
    pub(crate) pictures: Vec<Drawn>,
    pub(crate) size_px: (u32, u32),
    pub(crate) inputs_px: Vec<(u32, u32)>,
    /// USD 1e-6 that were charged.
    pub(crate) micros: i64,
    /// How long one step takes.
    pub(crate) step: Duration,
}

/// A checked request that is being worked on.
#[derive(Debug)]
pub(crate) struct Work<A> {
    /// The provider's own id of the call or job.
    pub(crate) id: String,
    pub(crate) ask: A,
    pub(crate) faults: Faults,
    /// Base of the links in answers.
    pub(crate) base_url: String,
}

impl<A: Asked> Work<A> {
    /// A checked request, and the faults that strike it.
    pub(crate) fn new(core: &Core, id: String, ask: A, base_url: String) -> Self {
        Self {
            faults: take_faults(core, &ask, JobCall::Submit),
            id,
            ask,
            base_url,
        }
    }

    /// Takes the call on.
    ///
    /// # Errors
    /// A refusal that a fault asks for.
    pub(crate) async fn begin(&self, core: &Core) -> Result<(), Refused> {
        match &self.faults.refusal {
            None => Ok(()),
            Some(refusal) => {
                self.faults.wait().await;
                self.charge_if_billed(core, &Inputs::default());
                Err(self.ask.by_fault(refusal))
            }
        }
    }

    /// How long it is until a worker takes it on, where they do not at once.
    pub(crate) fn in_queue(&self, core: &Core) -> Duration {
        core.latency.queue() + self.faults.delay.unwrap_or_default() / 2
    }

    /// Makes the pictures and writes the bill.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) async fn make(&self, core: &Core) -> Result<Made, Refused> {
        let delay = self.faults.delay.unwrap_or_default();
        tokio::time::sleep(if A::IS_QUEUED { delay / 2 } else { delay }).await;
        self.check_prompt(core)?;
        let inputs = self.ask.load(core).await?;
        let size_px = self.ask.size_px(&inputs);
        let Order {
            count,
            pace,
            quality,
            steps,
            ..
        } = self.ask.order();
        let pixels = u64::from(size_px.0) * u64::from(size_px.1);
        let time = core.latency.work(pace, quality, pixels, seed_from(&self.id, 0));
        let step = time / steps;
        tokio::time::sleep(step).await;
        let late = self.faults.moderation.map(End::Moderated);
        self.refuse(core, late, &inputs)?;
        self.refuse(core, self.faults.failed.then_some(End::Failed), &inputs)?;
        let mut made = Made {
            size_px,
            inputs_px: inputs.sizes_px(),
            step,
            ..Made::default()
        };
        if self.faults.body != Some(BodyFault::Empty) {
            let drawings = (0..count).map(|index| core.pictures.draw(self.drawing(index, size_px, &inputs)));
            made.pictures = try_join_all(drawings).await.map_err(|error| {
                warn!(%error, "a picture could not be drawn");
                self.broken()
            })?;
            let held = self.faults.moderation == Some(Moderation::Output) && !self.faults.billed;
            made.micros = self.charge(core, &inputs, held);
        }
        Ok(made)
    }

    /// The safety check of the prompt, once nothing else is wrong with the request.
    ///
    /// # Errors
    /// It strikes, or something is.
    pub(crate) fn check_prompt(&self, core: &Core) -> Result<(), Refused> {
        self.ask.check()?;
        let early = self.faults.moderation.filter(|stage| *stage == Moderation::Input);
        self.refuse(core, early.map(End::Moderated), &Inputs::default())
    }

    /// The end of work that broke down by itself.
    fn broken(&self) -> Refused {
        let broken = self.refused(End::Broken);
        broken.expect("what broke down is no success at any provider")
    }

    fn refused(&self, end: End) -> Option<Refused> {
        let refused = self.ask.refused(end)?;
        Some(Refused {
            end: Some(end),
            ..refused
        })
    }

    fn refuse(&self, core: &Core, end: Option<End>, inputs: &Inputs) -> Result<(), Refused> {
        let Some(refused) = end.and_then(|end| self.refused(end)) else {
            return Ok(());
        };
        self.charge_if_billed(core, inputs);
        Err(refused)
    }

    fn drawing(&self, index: u32, size_px: (u32, u32), inputs: &Inputs) -> Drawing {
        let Order { model, prompt, .. } = self.ask.order();
        let plain = Drawing::new(prompt, model, size_px, self.seed(index));
        self.ask.dress(Drawing {
            inputs: Arc::clone(&inputs.images),
            mask: inputs.mask.clone(),
            file: self.faults.file,
            ..plain
        })
    }

    /// The seed of a picture, whether one was given or not.
    pub(crate) fn seed(&self, index: u32) -> u64 {
        let Order {
            seed, seed_less_bits, ..
        } = self.ask.order();
        // One that is told and given again makes the same pictures.
        let first = seed.unwrap_or_else(|| seed_from(&self.id, 0) >> seed_less_bits);
        first.wrapping_add(u64::from(index))
    }

    /// Keeps a picture as a file and gives its id.
    pub(crate) fn publish(&self, core: &Core, bytes: Bytes, content_type: &str, ttl: Duration) -> String {
        let media = NewMedia {
            bytes,
            content_type: content_type.to_owned(),
            ttl,
            fault: self.faults.media,
        };
        core.media.put(media, core.now())
    }

    fn charge_if_billed(&self, core: &Core, inputs: &Inputs) {
        if self.faults.billed {
            self.charge(core, inputs, false);
        }
    }

    /// Writes the bill and gives the amount in USD 1e-6.
    fn charge(&self, core: &Core, inputs: &Inputs, held: bool) -> i64 {
        let size_px = self.ask.size_px(inputs);
        let charge = self.ask.charge(size_px, inputs, held);
        if charge.images == 0 && charge.micros == 0 {
            return 0;
        }
        let Order {
            provider,
            model,
            prompt,
            ..
        } = self.ask.order();
        core.bill.record(BillEntry {
            provider,
            model: model.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(prompt),
            images: charge.images,
            quality: charge.quality,
            size: Some(format!("{}x{}", size_px.0, size_px.1)),
            micros: charge.micros,
            tokens: charge.tokens,
            at: core.now(),
            reason: charge.reason,
        });
        charge.micros
    }

    /// The faults that strike a later call about it.
    pub(crate) fn later_faults(&self, core: &Core, call: JobCall) -> Faults {
        take_faults(core, &self.ask, call)
    }

    /// The faults that strike a poll, which tells the state of a job and, once there is one, its result.
    pub(crate) fn poll_faults(&self, core: &Core, has_ended: bool) -> Faults {
        let faults = self.later_faults(core, JobCall::Status);
        if faults == Faults::default() && has_ended {
            return self.later_faults(core, JobCall::Result);
        }
        faults
    }

    /// The whole work, in a task of its own: as at the real services, a client that hangs up pays all the same.
    ///
    /// # Errors
    /// Why nothing came of it.
    pub(crate) async fn run(self, core: &Arc<Core>) -> Result<(Arc<Self>, Made), Refused> {
        let work = Arc::new(self);
        let (inside, with) = (Arc::clone(&work), Arc::clone(core));
        let task = core.tasks.spawn(async move {
            inside.begin(&with).await?;
            inside.make(&with).await
        });
        let made = task.await.unwrap_or_else(|error| {
            warn!(%error, "an image task ended early");
            Err(work.broken())
        })?;
        work.faults.hang().await;
        Ok((work, made))
    }
}

fn take_faults<A: Asked>(core: &Core, ask: &A, call: JobCall) -> Faults {
    let Order {
        provider,
        model,
        prompt,
        ..
    } = ask.order();
    core.faults.take(call, provider, model, prompt)
}
